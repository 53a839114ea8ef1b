/** The guidances that push away from ε(∅), what the model predicts without a condition. */
import { apg } from '../apg.ts';
import { cfgZeroStar } from '../cfg-zero-star.ts';
import { cfg } from '../cfg.ts';
import { fdg } from '../fdg.ts';
import { mamboG } from '../mambo-g.ts';
import { tcfg } from '../tcfg.ts';
import {
  classifierFreeScale,
  guidanceScaleParameter,
  needsNullCondition,
  projectionOptions,
  projectionParameters,
  type GuidanceEntry,
} from './entry.ts';

/** By their names, in the order of help. */
export const classifierFreeEntries: Readonly<Record<string, GuidanceEntry>> = {
  cfg: {
    summary: 'classifier-free guidance: away from what the model draws without a condition',
    formula: 'ε(∅) + g (ε(c) − ε(∅))',
    source: "Ho & Salimans 2022, arXiv 2207.12598 (its w is g − 1); diffusers' convention",
    parameters: [guidanceScaleParameter(7.5)],
    create: (values, context) => cfg(classifierFreeScale(values, context)),
  },
  apg: {
    summary: 'adaptive projected guidance: CFG whose update is cut, projected and given momentum',
    formula: 'Δ = ε(c) − ε(∅) + β Δ_before, ‖Δ‖ ≤ r; ε(c) + (g − 1)(Δ⊥ + η Δ∥), orthogonal and parallel to ε(c)',
    source: 'Sadat et al. 2024, arXiv 2410.02416',
    parameters: [guidanceScaleParameter(7.5), ...projectionParameters],
    create: (values, context) =>
      apg({ guidanceScale: classifierFreeScale(values, context), ...projectionOptions(values) }),
  },
  'cfg-zero-star': {
    summary: 'CFG from the multiple of ε(∅) that is nearest to ε(c); nothing in the first steps',
    formula: 'α ε(∅) + g (ε(c) − α ε(∅)), α = ⟨ε(c), ε(∅)⟩ / (‖ε(∅)‖² + 1e-8); 0 in the first steps',
    source: 'Fan et al. 2025, arXiv 2503.18886',
    parameters: [
      guidanceScaleParameter(7.5),
      {
        name: 'zeroInitSteps',
        kind: 'integer',
        summary: 'first steps in which the prediction is 0; meant for flow models, else 0 of them',
        default: 0,
        least: 0,
      },
    ],
    create: (values, context) =>
      cfgZeroStar({
        guidanceScale: classifierFreeScale(values, context),
        zeroInitSteps: values.number('zeroInitSteps'),
      }),
  },
  tcfg: {
    summary: 'tangential damping CFG: ε(∅) keeps only its part along the direction common to both predictions',
    formula: 'û = ⟨ε(∅), v⟩ v, v the first right singular vector of [ε(c); ε(∅)]; û + g (ε(c) − û)',
    source: 'Kwon et al. 2025, arXiv 2503.18137',
    parameters: [guidanceScaleParameter(7.5)],
    create: (values, context) => tcfg(classifierFreeScale(values, context)),
  },
  fdg: {
    summary: 'frequency-decoupled guidance: CFG with a scale for each level of a Laplacian pyramid',
    formula: 'pyramid⁻¹( u_i + g_i (c_i − u_i) )',
    source: 'Sadat et al. 2025, arXiv 2506.19713',
    parameters: [
      {
        name: 'guidanceScales',
        kind: 'numbers',
        summary: 'g of each level, the finest details first; 1 is without',
        default: [10, 5],
      },
    ],
    create: (values, context) => fdg(values.numbers('guidanceScales').map((g) => needsNullCondition(g, context))),
  },
  'mambo-g': {
    summary: 'magnitude-aware guidance: CFG that is mild where the two predictions differ much; meant for flow models',
    formula: 'ε(∅) + g′ d, d = ε(c) − ε(∅), g′ = 1 + (g − 1) e^(−α ‖d‖/‖ε(∅)‖)',
    source: 'Zhu et al. 2025, arXiv 2508.03442',
    parameters: [
      guidanceScaleParameter(10),
      {
        name: 'alpha',
        kind: 'number',
        summary: 'α: how fast the scale falls with ‖d‖; 0 is CFG',
        default: 8,
        least: 0,
      },
    ],
    create: (values, context) =>
      mamboG({ guidanceScale: classifierFreeScale(values, context), alpha: values.number('alpha') }),
  },
};
