/** The guidances that push away from a worse picture, or from a worse model. */
import { at } from '../../tensor/at.ts';
import { skip } from '../../nn/attention-perturbations/index.ts';
import { autoGuidance } from '../auto-guidance.ts';
import { perturbed, weakModel } from '../guidance.ts';
import { sag } from '../sag.ts';
import { swg } from '../swg.ts';
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
  swg: {
    summary: 'sliding-window guidance: away from what the model draws when it sees no further than a window',
    formula:
      'ε(∅) + g (ε(c) − ε(∅)) + w M ⊙ (ε(c) − ε̄(c)), ε̄: predicted window by window, the mean where they overlap; ' +
      'M = [more than one window]',
    source: 'Kaiser et al. 2024, arXiv 2411.10257 (masked: its third version)',
    parameters: [
      scaleParameter('swgScale', 0.2, 'w; 0 is without'),
      {
        name: 'windowShare',
        kind: 'number',
        summary: "height and width of a window as a share of the picture's; below 1",
        default: 0.625,
        least: 0,
        most: 1,
      },
      {
        name: 'windowSteps',
        kind: 'integer',
        summary: 'how many windows there are down and across',
        default: 2,
        least: 2,
      },
      {
        name: 'windowMask',
        kind: 'choice',
        summary: 'overlap: only pixels that more than one window sees are guided (M-SWG); none: all are',
        default: 'overlap',
        choices: ['overlap', 'none'],
      },
      guidanceScaleParameter(1),
    ],
    create: (values, context) =>
      swg({
        swgScale: values.scale('swgScale'),
        windowShare: values.number('windowShare'),
        windowSteps: values.number('windowSteps'),
        masked: values.text('windowMask') === 'overlap',
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
