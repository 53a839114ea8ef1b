/** The guidances that flow models brought: they act on velocities, which `velocity.ts` finds in any prediction. */
import { momentumGuidance } from '../momentum.ts';
import { smcCfg, type Switching } from '../smc-cfg.ts';
import {
  classifierFreeScale,
  guidanceScaleParameter,
  needsNullCondition,
  scaleParameter,
  type GuidanceEntry,
} from './entry.ts';

/** By their names, in the order of help. */
export const velocityEntries: Readonly<Record<string, GuidanceEntry>> = {
  'momentum-guidance': {
    summary: 'away from the mean of the velocities that the run has had, at no further pass; meant for flow models',
    formula:
      'ũ = u + α (u − m), m ← (1 − β) u + β m, m₀ = u₀; u = ε̂ − x̂₀ of ε(∅) + g (ε(c) − ε(∅)); as a prediction p: ' +
      'p + α (u − m)/κ, κ = ∂u/∂p',
    source: 'Liao et al. 2026, arXiv 2602.20360',
    parameters: [
      scaleParameter('momentumScale', 0.5, 'α; 0 is without'),
      {
        name: 'momentumDecay',
        kind: 'number',
        summary: 'β: how much of the mean of former velocities stays at each step; below 1',
        default: 0.6,
        least: 0,
        most: 1,
      },
      guidanceScaleParameter(1),
    ],
    create: (values, context) =>
      momentumGuidance({
        momentumScale: values.scale('momentumScale'),
        decay: values.number('momentumDecay'),
        guidanceScale: classifierFreeScale(values, context),
      }),
  },
  'smc-cfg': {
    summary:
      'CFG under sliding-mode control: its direction is pushed towards one that dies away; meant for flow models',
    formula:
      'e = κ (p(c) − p(∅)), s = (e − e′) + λ e′, e* = e − K sign(s), p(∅) + w e*/κ; e′ = e* of the step before, ' +
      'κ = ∂u/∂p, u = ε̂ − x̂₀ the velocity of p',
    source: 'Wang et al. 2026, arXiv 2603.03281',
    parameters: [
      scaleParameter('guidanceScale', 7.5, 'w; 1 is without CFG, but not without the control'),
      { name: 'smcLambda', kind: 'number', summary: 'λ: the slope of the sliding surface', default: 5 },
      {
        name: 'smcGain',
        kind: 'number',
        summary: 'K: how hard the direction is pushed, in units of velocities; 0 is CFG',
        default: 0.2,
        least: 0,
      },
      {
        name: 'smcSwitching',
        kind: 'choice',
        summary:
          "sign: of each element, as in the authors' code; unit: s/‖s‖ of each sample, as in a table of the paper",
        default: 'sign',
        choices: ['sign', 'unit'],
      },
    ],
    create(values, context) {
      if (values.number('smcGain') !== 0) needsNullCondition(0, context);
      return smcCfg({
        guidanceScale: classifierFreeScale(values, context),
        slope: values.number('smcLambda'),
        gain: values.number('smcGain'),
        switching: values.text('smcSwitching') as Switching,
      });
    },
  },
};
