/** Mistakes in how the passes are combined. */
import { addScaled, clamp, divideBy, scale, std, subtract } from '../../tensor/arithmetic.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { identity } from '../../nn/attention-perturbations/index.ts';
import {
  conditional,
  perturbed,
  predictOne,
  unconditional,
  type GuidanceStep,
  type Pass,
} from '../../guidance/guidance.ts';
import { inGuidance, inGuided, inSetting, type Fault } from './fault.ts';

/** The guidance is told other predictions than it asks for. */
function byPredictions(
  name: string,
  says: string,
  change: (predict: GuidanceStep['predict'], step: GuidanceStep) => GuidanceStep['predict'],
): Fault {
  return inGuidance(name, says, (guidance) => ({
    ...guidance,
    guide: (step) => guidance.guide({ ...step, predict: change(step.predict, step) }),
  }));
}

const isPerturbed = (pass: Pass): boolean => pass.perturbation.size > 0;

/** Two of the passes are taken for one another, where both are asked for. */
function swapped(
  first: (pass: Pass) => boolean,
  second: (pass: Pass) => boolean,
): (predict: GuidanceStep['predict']) => GuidanceStep['predict'] {
  return (predict) => (passes) => {
    const outputs = predict(passes);
    const [a, b] = [passes.findIndex(first), passes.findIndex(second)];
    if (a < 0 || b < 0) return outputs;
    const exchanged = [...outputs];
    [exchanged[a], exchanged[b]] = [outputs[b], outputs[a]];
    return exchanged;
  };
}

/** Each of three passes is taken for another. */
function rotated(places: number): (predict: GuidanceStep['predict']) => GuidanceStep['predict'] {
  return (predict) => (passes) => {
    const outputs = predict(passes);
    if (outputs.length !== 3) return outputs;
    // As they lie in a batch: without condition, with it, perturbed.
    const order = [...passes.keys()].sort((a, b) => placeOf(passes[a]) - placeOf(passes[b]));
    return passes.map((_, i) => outputs[order[(order.indexOf(i) + places) % 3]]);
  };
}

const placeOf = (pass: Pass): number => (isPerturbed(pass) ? 2 : Number(pass.condition === 'given'));

const pushedFromNull = 'push by s(ε(∅) − ε̂(c)) where s(ε(c) − ε̂(c)) is meant';

const isConditional = (pass: Pass): boolean => pass.condition === 'given' && !isPerturbed(pass);
const isUnconditional = (pass: Pass): boolean => pass.condition === 'null' && !isPerturbed(pass);

/** ε with x̂₀ clipped to [−1, 1]. */
function clipped(epsilon: Tensor, { sample, signal, noise }: GuidanceStep): Tensor {
  const original = clamp(divideBy(addScaled(sample, -noise, epsilon), signal), -1, 1);
  return divideBy(addScaled(sample, -signal, original), noise);
}

/** Mistakes in how predictions are combined. */
export const guidanceFaults: readonly Fault[] = [
  inSetting('guide-scale-offset', 'use g = s + 1 where s is meant', ({ pagScale }) => ({
    pagScale: pagScale === 0 ? 0 : pagScale + 1,
  })),
  inSetting(
    'guide-scale-for-g',
    "compute ε̂ + s(ε − ε̂), where ε + s(ε − ε̂) is meant (the authors' formula wants g = s + 1)",
    ({ pagScale }) => ({ pagScale: pagScale === 0 ? 0 : pagScale - 1 }),
  ),
  inSetting('pag-sign', 'guide towards the perturbed pass: −s where s is meant', ({ pagScale }) => ({
    pagScale: -pagScale,
  })),
  inSetting('pag-scale-twice', 'apply s twice: s² where s is meant', ({ pagScale }) => ({
    pagScale: pagScale * pagScale,
  })),
  inSetting('pag-term-missing', 'leave out the term of PAG', () => ({ pagScale: 0 })),
  byPredictions(
    'pag-branches-swapped',
    'take the perturbed pass for the plain one and the plain one for the perturbed',
    swapped(isConditional, isPerturbed),
  ),
  byPredictions(
    'cfg-branches-swapped',
    'take the conditional pass for the unconditional one and the other way round: ' +
      'the order of the batch is [uncond, cond]',
    swapped(isConditional, isUnconditional),
  ),
  byPredictions(
    'null-and-perturbed-swapped',
    'take the perturbed pass for the unconditional one and the other way round: ' +
      'the order of the batch is [uncond, cond, perturbed]',
    swapped(isUnconditional, isPerturbed),
  ),
  byPredictions(
    'batch-rotated',
    'take each pass of a batch of three for the one before it: the order is [uncond, cond, perturbed]',
    rotated(1),
  ),
  byPredictions(
    'batch-rotated-back',
    'take each pass of a batch of three for the one behind it: the order is [uncond, cond, perturbed]',
    rotated(2),
  ),
  inGuided('first-step-unguided', 'begin to guide at the second step', (guidanceOf, setting, step) =>
    guidanceOf(step.index === 0 ? { ...setting, pagScale: 0, guidanceScale: 1 } : setting).guide(step),
  ),
  inSetting(
    'pag-inside-cfg',
    'guide by PAG before classifier-free guidance, which multiplies s by g; both are added to ε(∅)',
    ({ pagScale, pagAdaptiveScale, guidanceScale }) => ({
      pagScale: pagScale * guidanceScale,
      pagAdaptiveScale: pagAdaptiveScale * guidanceScale,
    }),
  ),
  inGuided(
    'pag-from-cfg-result',
    'push the result of classifier-free guidance away from ε̂(c), where ε(c) is: s(ε_cfg − ε̂(c))',
    (guidanceOf, setting, step) => {
      const { pagScale, pagAdaptiveScale, pagLayers, guidanceRescale, guidanceScale } = setting;
      if (guidanceScale === 1 || guidanceRescale !== 0) return guidanceOf(setting).guide(step);
      const guided = guidanceOf({ ...setting, pagScale: 0 }).guide(step);
      const s = Math.max(0, pagScale - pagAdaptiveScale * (1000 - step.timestep));
      if (s === 0) return guided;
      return addScaled(guided, s, subtract(guided, predictOne(step, perturbed(pagLayers, identity))));
    },
  ),
  inGuidance('pag-from-unconditional', pushedFromNull, (guidance, setting) => ({
    ...guidance,
    guide: (step) =>
      setting.guidanceScale === 1
        ? guidance.guide(step)
        : guidance.guide({
            ...step,
            // ε(c) + s(ε(c) − ε̂) becomes ε(c) + s(ε(∅) − ε̂) when ε̂ + ε(c) − ε(∅) stands for ε̂.
            predict: (passes) =>
              step
                .predict(passes)
                .map((output, i) =>
                  isPerturbed(passes[i])
                    ? addScaled(output, 1, subtract(predictOne(step, conditional), predictOne(step, unconditional)))
                    : output,
                ),
          }),
  })),
  inSetting('cfg-scale-plus-one', "use g + 1 where g is meant (the paper's w is g − 1)", ({ guidanceScale }) => ({
    guidanceScale: guidanceScale === 1 ? 1 : guidanceScale + 1,
  })),
  inSetting('cfg-scale-minus-one', "use g − 1 where g is meant (g is the paper's w + 1)", ({ guidanceScale }) => ({
    guidanceScale: guidanceScale === 1 ? 1 : guidanceScale - 1,
  })),
  inSetting('cfg-term-missing', 'leave out classifier-free guidance', () => ({ guidanceScale: 1 })),
  inSetting('adaptive-missing', 'keep s as it is where it falls with the timestep', () => ({ pagAdaptiveScale: 0 })),
  inGuidance(
    'adaptive-from-zero',
    'let s fall by a · t where a · (1000 − t) is meant',
    (guidance, { pagAdaptiveScale }) =>
      pagAdaptiveScale === 0
        ? guidance
        : {
            ...guidance,
            guide: (step) => guidance.guide({ ...step, timestep: 1000 - step.timestep }),
          },
  ),
  inGuided('adaptive-below-zero', 'let s fall below 0 where it stays there', (guidanceOf, setting, step) =>
    guidanceOf({
      ...setting,
      pagAdaptiveScale: 0,
      pagScale: setting.pagScale - setting.pagAdaptiveScale * (1000 - step.timestep),
    }).guide(step),
  ),
  inGuided(
    'adaptive-fourth-power',
    "let s fall by s · a⁴ (1000 − t), as ComfyUI's node does, where a (1000 − t) is meant",
    (guidanceOf, setting, step) => {
      const { pagScale: s, pagAdaptiveScale: a } = setting;
      return guidanceOf({
        ...setting,
        pagAdaptiveScale: 0,
        pagScale: Math.max(0, s - s * a ** 4 * (1000 - step.timestep)),
      }).guide(step);
    },
  ),
  inSetting('rescale-missing', 'leave out the rescaling of the guided prediction', () => ({ guidanceRescale: 0 })),
  inSetting('rescale-reversed', 'swap φ and 1 − φ in the rescaling', ({ guidanceRescale }) => ({
    guidanceRescale: guidanceRescale === 0 ? 0 : 1 - guidanceRescale,
  })),
  inSetting(
    'rescale-unmixed',
    'take the rescaled prediction alone, without mixing in the unscaled one by 1 − φ',
    ({ guidanceRescale }) => ({ guidanceRescale: guidanceRescale === 0 ? 0 : 1 }),
  ),
  inGuided(
    'rescale-whole-batch',
    'take one standard deviation for the whole batch where each sample has its own',
    (guidanceOf, setting, step) => {
      const { guidanceRescale: phi } = setting;
      const guided = guidanceOf({ ...setting, guidanceRescale: 0 }).guide(step);
      if (phi === 0) return guided;
      const whole = (x: Tensor): number => std({ ...x, shape: [1, x.data.length] })[0];
      const ratio = whole(predictOne(step, conditional)) / whole(guided);
      return scale(guided, phi * ratio + 1 - phi);
    },
  ),
  byPredictions(
    'clip-before-guidance',
    'clip x̂₀ of each pass before guiding, where the guided x̂₀ is clipped',
    (predict, step) => (passes) => predict(passes).map((output) => clipped(output, step)),
  ),
];
