/**
 * Mistakes that the bank does not know, as ports make them: each must be seen, and none may be given the name of
 * another. Most are in UNets, in text-to-picture and in gradients.
 */
import { clamp, scale } from '../../src/tensor/arithmetic.ts';
import { exp, sin, cos } from '../../src/tensor/math/index.ts';
import { roundTo } from '../../src/tensor/rounding.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { softmaxAttention, type AttentionMixer } from '../../src/nn/attention.ts';
import { permuted } from '../../src/oracle/align.ts';
import {
  byMixer,
  filled,
  inGuided,
  inKernels,
  inKernelsOf,
  inParts,
  inSchedule,
  inScheduler,
  scaledAttention,
  type AnyStage,
  type Fault,
} from '../../src/oracle/faults/fault.ts';
import { at, cornersOfTraining, unknownInCorners } from './unknown-in-corners.ts';

const isResnet = ({ kind }: AnyStage): boolean => kind === 'resnet';
const isAttention = ({ kind }: AnyStage): boolean => kind === 'attention';
const isText = ({ path }: AnyStage): boolean => path.startsWith('encoder.layers.');
const inFloat16 = (x: Tensor): Tensor => filled(x, (i) => roundTo('f16', x.data[i]));

const upsideDown = (x: Tensor): Tensor => permuted(x, [0, 1, 3, 2]);

/** The identity in some of the places alone, the plain layer elsewhere. */
function partly(key: string, weightOf: (shape: readonly number[], at: number) => number): AttentionMixer {
  return {
    key,
    mix(input) {
      const { value, heads } = input;
      const plain = softmaxAttention.mix(input);
      return filled(plain, (i) => {
        const weight = weightOf([...plain.shape, heads], i);
        return weight * value.data[i] + (1 - weight) * plain.data[i];
      });
    },
  };
}

const inUNets: readonly Fault[] = [
  inKernels('skips-scaled', 'multiply skips by 1/√2 where they are joined as they are', (k) => ({
    concatChannels: (a, b) => k.concatChannels(a, a.shape.length === 4 ? k.affine(b, Math.SQRT1_2, 0) : b),
  })),
  inKernelsOf(isResnet, 'resnet-output-halved', 'divide the sum of a residual block by √2', (k) => ({
    add: (a, b) =>
      a.shape.length === 4 && b.shape.length === 4 ? k.affine(k.add(a, b), Math.SQRT1_2, 0) : k.add(a, b),
  })),
  inKernelsOf(isAttention, 'attention-output-halved', 'divide the sum of an attention layer by √2', (k) => ({
    add: (a, b) => k.affine(k.add(a, b), Math.SQRT1_2, 0),
  })),
  inKernelsOf(
    isResnet,
    'time-projected-unactivated',
    'leave out the activation before the projection of time',
    (k) => ({
      activation: (x, kind) => (x.shape.length === 2 ? x : k.activation(x, kind)),
    }),
  ),
  inParts('sinusoid-base-1000', 'let the frequencies fall to 1/1000 where they fall to 1/10,000', () => ({
    sinusoid: (timesteps, size, cosineFirst, shift, dtype) => {
      const half = Math.floor(size / 2);
      const data = timesteps.flatMap((t) => {
        const angles = Array.from({ length: half }, (_, i) => t * exp((-Math.log(1000) * i) / (half - shift)));
        const [sines, cosines] = [angles.map(sin), angles.map(cos)];
        return cosineFirst ? [...cosines, ...sines] : [...sines, ...cosines];
      });
      const like = tensor('f64', [timesteps.length, size], Float64Array.from(data));
      return tensor(dtype, like.shape, (dtype === 'f64' ? Float64Array : Float32Array).from(like.data));
    },
  })),
  inKernelsOf(at(/^conv_norm_out|^conv_out/), 'last-norm-eps', 'use ε = 1e-3 in the last norm alone', (k) => ({
    groupNorm: (x, groups, weight, bias) => k.groupNorm(x, groups, weight, bias, 1e-3),
  })),
  inKernelsOf(isAttention, 'attention-one-group', 'norm all channels as one group in attention layers', (k) => ({
    groupNorm: (x, _, weight, bias, eps) => k.groupNorm(x, 1, weight, bias, eps),
  })),
  inKernels('logits-in-float16', 'round the queries to float16 before attention', (k) => ({
    attention: (q, ...rest) => k.attention(inFloat16(q), ...rest),
    attentionMap: (q, ...rest) => k.attentionMap(inFloat16(q), ...rest),
    attentionScores: (q, ...rest) => k.attentionScores(inFloat16(q), ...rest),
  })),
  inKernelsOf(at(/^conv_in$/), 'input-transposed', 'read rows of the picture as columns', (k) => ({
    conv2d: (x, ...rest) => k.conv2d(upsideDown(x), ...rest),
  })),
  inKernelsOf(at(/upsamplers/), 'upsample-after-convolution', 'convolve before doubling the picture', (k) => ({
    upsampleConv2d: (x, weight, bias) =>
      k.upsampleNearest2x(k.conv2d(x, weight, bias, 1, { top: 1, bottom: 1, left: 1, right: 1 })),
  })),
  inKernelsOf(
    at(/^mid_block\.resnets\.1$/),
    'middle-last-resnet-missing',
    'leave out the last block of the middle',
    () => ({
      add: (a) => a,
    }),
  ),
  inKernelsOf(isAttention, 'queries-and-keys-normed', 'norm queries and keys to length √d', (k) => {
    const normed = (x: Tensor, heads: number): Tensor => {
      const size = (x.shape.at(-1) ?? 1) / heads;
      return filled(x, (i) => {
        const row = [...x.data.subarray(i - (i % size), i - (i % size) + size)];
        return (x.data[i] * Math.sqrt(size)) / Math.sqrt(row.reduce((sum, value) => sum + value * value, 1e-6));
      });
    };
    return {
      attention: (q, key, v, heads, factor) => k.attention(normed(q, heads), normed(key, heads), v, heads, factor),
      attentionMap: (q, key, heads, factor) => k.attentionMap(normed(q, heads), normed(key, heads), heads, factor),
    };
  }),
  inParts('labels-reversed', 'give the samples their classes in reverse order', ({ labels }) => ({
    labels: (asked) => [...labels(asked)].reverse(),
  })),
];

const inPag: readonly Fault[] = [
  byMixer(
    'identity-first-head',
    'put the identity into the first head alone',
    partly('first-head', ([, , channels, heads], i) => Number(i % channels < channels / heads)),
  ),
  byMixer(
    'identity-half',
    'mix the identity and the map half and half',
    partly('half', () => 0.5),
  ),
  byMixer(
    'identity-first-token',
    'put the identity into the first row of the map alone',
    partly('first-token', ([, tokens, channels], i) => Number(Math.floor(i / channels) % tokens === 0)),
  ),
  byMixer('identity-of-queries', 'hand on the queries where the values are meant', {
    key: 'queries',
    mix: ({ query }) => query(),
  }),
  byMixer('identity-scaled', 'scale the identity by 1/√d, as the logits', {
    key: 'scaled',
    mix: ({ value, scale: factor }) => scale(value, factor),
  }),
  byMixer('identity-reversed', 'write the identity from the last token to the first', {
    key: 'reversed',
    mix: ({ value }) => {
      const [, tokens, channels] = value.shape;
      return filled(value, (i) => {
        const token = Math.floor(i / channels) % tokens;
        return value.data[i + (tokens - 1 - 2 * token) * channels];
      });
    },
  }),
  inGuided('half-the-scale', 'push by s/2', (guidanceOf, setting, step) =>
    guidanceOf({ ...setting, pagScale: setting.pagScale / 2 }).guide(step),
  ),
  inGuided('guided-in-float16', 'combine the predictions in float16', (guidanceOf, setting, step) =>
    inFloat16(guidanceOf(setting).guide(step)),
  ),
];

const inSchedulers: readonly Fault[] = [
  inSchedule('beta-end-of-stable-diffusion', 'let β end at 0.012 where it ends at 0.02', () => ({ beta_end: 0.012 })),
  inSchedule('beta-start-of-stable-diffusion', 'let β begin at 0.00085', () => ({ beta_start: 0.00085 })),
  inScheduler('state-clamped', 'clamp the state to [−1, 1] after each step', (scheduler) => ({
    step: (...given) => {
      const result = scheduler.step(...given);
      return { ...result, sample: clamp(result.sample, -1, 1) };
    },
  })),
  inParts('noise-repeated', 'take the noise of the first step at every step', () => ({ noiseStep: () => 0 })),
];

const inTextToPicture: readonly Fault[] = [
  inParts('latents-of-xl', "scale latents by XL's 0.13025", ({ autoencoderConfig }) => ({
    autoencoderConfig: (config) => ({ ...autoencoderConfig(config), scalingFactor: 0.13025 }),
  })),
  inKernelsOf(at(/^decoder\.conv_out/), 'colours-reversed', 'write blue, green, red', (k) => ({
    conv2d: (...given) => {
      const y = k.conv2d(...given);
      const [, channels, height, width] = y.shape;
      const size = height * width;
      return filled(y, (i) => {
        const channel = Math.floor(i / size) % channels;
        return y.data[i + (channels - 1 - 2 * channel) * size];
      });
    },
  })),
  inParts('positions-from-one', 'count the positions of the text from 1', ({ textTensors }) => ({
    textTensors: (tensors, ids) => {
      const { positions, ...others } = textTensors(tensors, ids);
      if (!positions) return others;
      const size = positions.shape.at(-1) ?? 1;
      return {
        ...others,
        positions: filled(positions, (i) => positions.data[Math.min(i + size, positions.data.length - 1)]),
      };
    },
  })),
  inKernelsOf(isText, 'text-norm-eps-1e-3', 'use ε = 1e-3 in the norms of the text encoder', (k) => ({
    layerNorm: (x, weight, bias) => k.layerNorm(x, weight, bias, 1e-3),
  })),
  inKernels('context-last-token-lost', 'attend to all tokens of the text but the last', (k) => {
    const shorter = (x: Tensor): Tensor => {
      const [batch, tokens, channels] = x.shape;
      const data = x.data.filter((_, i) => Math.floor(i / channels) % tokens < tokens - 1);
      return tensor(x.dtype, [batch, tokens - 1, channels], data);
    };
    return {
      attention: (q, key, v, heads, factor) =>
        q.shape[1] === key.shape[1]
          ? k.attention(q, key, v, heads, factor)
          : k.attention(q, shorter(key), shorter(v), heads, factor),
    };
  }),
  inKernelsOf(at(/\.attn2$/), 'cross-attention-scale-of-text', 'divide by the root of the channels of the text', (k) =>
    scaledAttention(k, (_, factor) => factor / Math.SQRT2),
  ),
  inParts('time-ids-normalised', 'tell sizes in thousands of pixels', ({ timeIds }) => ({
    timeIds: (sizes) => timeIds(sizes).map((size) => size / 1000),
  })),
  inKernelsOf(at(/\.ff$/), 'feed-forward-gate-halved', 'multiply the gate of the feed-forward network by 1/2', (k) => ({
    multiply: (a, b) => k.affine(k.multiply(a, b), 0.5, 0),
  })),
  inKernelsOf(at(/\.proj_out$/), 'projection-out-bias-missing', 'leave out the bias of proj_out', (k) => ({
    linear: (x, weight) => k.linear(x, weight, undefined),
    conv2d: (x, weight, _, stride, padding) => k.conv2d(x, weight, undefined, stride, padding),
  })),
];

/** Those that only training makes possible. */
export const unknownInTraining: readonly Fault[] = [
  ...cornersOfTraining,
  inKernels('silu-derivative-is-sigmoid', 'leave out x · σ′(x) in the derivative of SiLU', (k) => ({
    activationDerivative: (x, kind) =>
      kind === 'silu' ? filled(x, (i) => 1 / (1 + exp(-x.data[i]))) : k.activationDerivative(x, kind),
  })),
  inKernels('norm-gradient-undivided', "do not divide by the deviation in the norm's gradient", (k) => ({
    groupNormGradient: (x, gradient, weight, groups, eps) => k.groupNormGradient(x, gradient, weight, groups, eps + 1),
  })),
  inKernels('weight-gradient-of-first-sample', "take the first sample's gradient of a convolution's weight", (k) => ({
    conv2dWeightGradient: (x, gradient, ...rest) =>
      k.conv2dWeightGradient(k.sliceBatch(x, 0, 1), k.sliceBatch(gradient, 0, 1), ...rest),
  })),
  inKernels('input-gradient-shifted', 'put what comes back to a strided convolution one pixel too far', (k) => ({
    placePixels: (x, stride, top, left, height, width) =>
      k.placePixels(x, stride, top, Math.max(0, left - 1), height, width),
  })),
  inParts('adam-betas-swapped', 'swap β₁ and β₂', ({ adamw }) => ({
    adamw: (parameter, gradient, moments, step, options) =>
      adamw(parameter, gradient, moments, step, { ...options, beta1: options.beta2, beta2: options.beta1 }),
  })),
  inParts('adam-eps-1e-4', 'use ε = 1e-4', ({ adamw }) => ({
    adamw: (parameter, gradient, moments, step, options) =>
      adamw(parameter, gradient, moments, step, { ...options, eps: 1e-4 }),
  })),
  inParts('clip-by-value', 'clip each number of the gradients', () => ({
    clipGradients: (gradients, most) => new Map([...gradients].map(([name, one]) => [name, clamp(one, -most, most)])),
  })),
  inParts('ema-decay-squared', 'take β² for β in the running average', ({ average }) => ({
    average: (mean, parameter, decay, before) => average(mean, parameter, decay * decay, before),
  })),
  inParts('weight-decay-without-rate', 'let weights decay by λ where γλ is meant', ({ adamw }) => ({
    adamw: (parameter, gradient, moments, step, options) =>
      adamw(scale(parameter, 1 - options.weightDecay), gradient, moments, step, { ...options, weightDecay: 0 }),
  })),
];

/** All of them; more stand in unknown-in-corners.ts. */
export const unknownMistakes: readonly Fault[] = [
  ...inUNets,
  ...inPag,
  ...inSchedulers,
  ...inTextToPicture,
  ...unknownInTraining,
  ...unknownInCorners,
];
