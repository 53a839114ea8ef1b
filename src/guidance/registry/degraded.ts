/** The guidances that push away from a worse picture, or from a worse model. */
import { at } from '../../tensor/at.ts';
import { skip } from '../../nn/attention-perturbations/index.ts';
import { autoGuidance } from '../auto-guidance.ts';
import { perturbed, weakModel } from '../guidance.ts';
import { sag } from '../sag.ts';
import {
  classifierFreeScale,
  guidanceScaleParameter,
  layersOf,
  layersParameter,
  scaleParameter,
  type GuidanceEntry,
} from './entry.ts';

/** By their names, in the order of help. */
export const degradedEntries: Readonly<Record<string, GuidanceEntry>> = {
  sag: {
    summary: 'self-attention guidance: away from the picture with what the model attends to blurred',
    formula:
      'ε(∅) + g (ε(c) − ε(∅)) + s (ε − ε(x̄)), x̄ = x_t + α (M ⊙ (blur(x̂₀) − x̂₀)), ' +
      'M = [attention received > 1]; ε = ε(c), or ε(∅) where g ≠ 1',
    source: 'Hong et al. 2023, arXiv 2210.00939',
    parameters: [
      scaleParameter('sagScale', 0.75, "s; 0 is without (the authors' guide scale is s + 1)"),
      layersParameter('sagLayer', 'the self-attention layer whose map is looked at; of several the first'),
      { name: 'blurSigma', kind: 'number', summary: 'σ of the blur in pixels', default: 9, least: 1e-3 },
      { name: 'blurWindow', kind: 'integer', summary: 'pixels that the blur sees; odd', default: 31, least: 1 },
      guidanceScaleParameter(1),
    ],
    create: (values, context) =>
      sag({
        sagScale: values.scale('sagScale'),
        layer: at(layersOf(values, 'sagLayer', context), 0),
        blurSigma: values.number('blurSigma'),
        blurWindow: values.number('blurWindow'),
        guidanceScale: classifierFreeScale(values, context),
      }),
  },
  'auto-guidance': {
    summary: 'away from a bad version of the model: a second model, or the model with attention layers left out',
    formula: 'ε_weak(c) + g (ε(c) − ε_weak(c))',
    source: 'Karras et al. 2024, arXiv 2406.02507',
    parameters: [
      scaleParameter('guidanceScale', 2, 'g; 1 is without'),
      layersParameter('weakLayers', 'the layers left out when there is no second model'),
    ],
    create: (values, context) =>
      autoGuidance({
        guidanceScale: values.scale('guidanceScale'),
        weak: context.hasWeakModel ? weakModel : perturbed(layersOf(values, 'weakLayers', context), skip),
      }),
  },
};
