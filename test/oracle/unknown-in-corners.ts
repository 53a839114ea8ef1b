/**
 * More mistakes that the bank does not know, where few look: the order of a batch of three, arithmetic of schedulers,
 * autoencoders, text encoders, and gradients.
 */
import { addScaled, divideBy, scale, std, subtract } from '../../src/tensor/arithmetic.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import { conditional, perturbed, predictOne, unconditional } from '../../src/guidance/guidance.ts';
import {
  filled,
  inGuided,
  inKernels,
  inKernelsOf,
  inParts,
  inPass,
  inSchedule,
  inScheduler,
  scaledAttention,
  type AnyStage,
  type Fault,
} from '../../src/oracle/faults/fault.ts';

/** The stages whose path is such. */
export const at =
  (path: RegExp) =>
  (stage: AnyStage): boolean =>
    path.test(stage.path);

const inGuidances: readonly Fault[] = [
  inGuided('cfg-from-perturbed', 'guide from ε(∅) to ε̂(c) where ε(c) is meant', (guidanceOf, setting, step) => {
    const guided = guidanceOf(setting).guide(step);
    if (setting.guidanceScale === 1 || setting.pagScale === 0) return guided;
    const [plain, ablated] = [conditional, perturbed(setting.pagLayers, identity)].map((pass) =>
      predictOne(step, pass),
    );
    return addScaled(guided, setting.guidanceScale, subtract(ablated, plain));
  }),
  inPass('unconditional-perturbed', 'perturb the pass without a condition, too', (pass, _, asked) => {
    const found = asked.find(({ perturbation }) => perturbation.size > 0);
    return pass.condition === 'null' && found ? { ...pass, perturbation: found.perturbation } : pass;
  }),
  inGuided('pag-scale-divided', 'push by s/g', (guidanceOf, setting, step) =>
    guidanceOf({ ...setting, pagScale: setting.pagScale / setting.guidanceScale }).guide(step),
  ),
  inGuided('scales-exchanged', 'take s for g − 1 and g − 1 for s', (guidanceOf, setting, step) => {
    const { guidanceScale, pagScale } = setting;
    const both = guidanceScale !== 1 && pagScale !== 0;
    return guidanceOf(both ? { ...setting, guidanceScale: pagScale + 1, pagScale: guidanceScale - 1 } : setting).guide(
      step,
    );
  }),
  inGuided('guidances-averaged', 'take the mean of both guided predictions', (guidanceOf, setting, step) => {
    const { guidanceScale, pagScale } = setting;
    if (guidanceScale === 1 || pagScale === 0) return guidanceOf(setting).guide(step);
    const alone = [{ pagScale: 0 }, { guidanceScale: 1 }].map((less) =>
      guidanceOf({ ...setting, guidanceRescale: 0, ...less }).guide(step),
    );
    return scale(addScaled(alone[0], 1, alone[1]), 1 / 2);
  }),
  inGuided('rescale-by-unconditional', 'rescale to the deviation of ε(∅)', (guidanceOf, setting, step) => {
    const { guidanceRescale: phi, guidanceScale } = setting;
    const guided = guidanceOf({ ...setting, guidanceRescale: 0 }).guide(step);
    if (phi === 0 || guidanceScale === 1) return guidanceOf(setting).guide(step);
    const [theirs, ours] = [std(predictOne(step, unconditional)), std(guided)];
    const size = guided.data.length / ours.length;
    return filled(guided, (i) => {
      const sample = Math.floor(i / size);
      return guided.data[i] * (phi * (theirs[sample] / ours[sample]) + 1 - phi);
    });
  }),
  inGuided('guided-every-other-step', 'guide at every other step', (guidanceOf, setting, step) =>
    guidanceOf(step.index % 2 === 0 ? setting : { ...setting, pagScale: 0 }).guide(step),
  ),
];

const inSchedulers: readonly Fault[] = [
  inSchedule('train-steps-one-less', 'count 999 timesteps of training', () => ({ num_train_timesteps: 999 })),
  inSchedule('prediction-is-sample', 'take the model for one of x₀', () => ({ prediction_type: 'sample' })),
  inScheduler('noise-by-root-two', 'add √2 times the noise', ({ step }) => ({
    step: (state, input) => step(state, { ...input, noise: (shape) => scale(input.noise(shape), Math.SQRT2) }),
  })),
  inScheduler('state-halfway', 'go half of each step', (scheduler) => ({
    step: (state, input) => {
      const result = scheduler.step(state, input);
      return { ...result, sample: scale(addScaled(result.sample, 1, input.sample), 1 / 2) };
    },
  })),
  inScheduler('output-of-sum', 'take ε divided by √2', ({ step }) => ({
    step: (state, input) => step(state, { ...input, modelOutput: divideBy(input.modelOutput, Math.SQRT2) }),
  })),
];

const inLatents: readonly Fault[] = [
  inKernelsOf(at(/^(encoder|decoder)\.conv_out/), 'codec-last-bias-missing', 'leave out the bias of conv_out', (k) => ({
    conv2d: (x, weight, _, stride, padding) => k.conv2d(x, weight, undefined, stride, padding),
  })),
  inKernelsOf(at(/^encoder\.down_blocks\..*downsamplers/), 'codec-padded-first', 'pad above and on the left', (k) => ({
    conv2d: (x, weight, bias, stride, { top, bottom, left, right }) =>
      k.conv2d(x, weight, bias, stride, { top: bottom, bottom: top, left: right, right: left }),
  })),
];

const isText = at(/^(text_encoder\.)?encoder\.layers\./);
const inText: readonly Fault[] = [
  inKernelsOf(isText, 'text-scale-of-all-heads', 'divide by the root of all channels', (k) =>
    scaledAttention(k, (q) => 1 / Math.sqrt(q.shape.at(-1) ?? 1)),
  ),
  inKernelsOf(isText, 'text-norms-affine-missing', 'leave weight and bias out of the norms', (k) => ({
    layerNorm: (x, weight, bias, eps) =>
      k.layerNorm(
        x,
        filled(weight, () => 1),
        filled(bias, () => 0),
        eps,
      ),
  })),
  inKernelsOf(isText, 'text-activation-is-relu', 'use ReLU in the feed-forward network', (k) => ({
    activation: (x) => k.activation(x, 'relu'),
  })),
];

/** Those that only training makes possible. */
export const cornersOfTraining: readonly Fault[] = [
  inKernels('norm-gradient-eps', "take √(var + ε) with ε = 0.1 in the norm's gradient", (k) => ({
    groupNormGradient: (x, gradient, weight, groups, eps) =>
      k.groupNormGradient(x, gradient, weight, groups, eps + 0.1),
  })),
  inKernels('map-gradient-untransposed', 'leave a map as it is where its transpose is meant', (k) => ({
    transposeMap: (map) => (map.shape.at(-1) === map.shape.at(-2) ? map : k.transposeMap(map)),
  })),
  inParts('adam-root-before-correction', 'leave the correction out of the root of the second moment', ({ adamw }) => ({
    adamw: (parameter, gradient, moments, step, options) => {
      const correction = Math.sqrt(1 - options.beta2 ** step);
      const [learningRate, weightDecay] = [options.learningRate / correction, options.weightDecay * correction];
      return adamw(parameter, gradient, moments, step, { ...options, learningRate, weightDecay });
    },
  })),
  inParts('adam-without-momentum', 'take β₁ = 0', ({ adamw }) => ({
    adamw: (parameter, gradient, moments, step, options) =>
      adamw(parameter, gradient, moments, step, { ...options, beta1: 0 }),
  })),
  inParts('clip-by-largest', 'clip by the largest number, where the length of all is meant', () => ({
    clipGradients: (gradients, most) => {
      const all = [...gradients.values()].map(({ data }) => Math.max(...Array.from(data, Math.abs)));
      const factor = Math.min(1, most / Math.max(...all));
      return new Map([...gradients].map(([name, one]): [string, Tensor] => [name, scale(one, factor)]));
    },
  })),
];

/** All others. */
export const unknownInCorners: readonly Fault[] = [...inGuidances, ...inSchedulers, ...inLatents, ...inText];
