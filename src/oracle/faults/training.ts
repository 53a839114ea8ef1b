/** Mistakes in the way back, in the loss, and in the steps of an optimiser. */
import type { Kernels } from '../../kernels/kernels.ts';
import { addScaled } from '../../tensor/arithmetic.ts';
import { allocate, sizeOf, tensor, type Tensor } from '../../tensor/tensor.ts';
import { averaged } from '../../training/ema.ts';
import { clipped, globalNorm } from '../../training/clip.ts';
import { filled, inKernels, inParts, type Fault } from './fault.ts';

/**
 * The way back through a norm with less of what comes back to a group as a whole.
 * @param stretched whether what is in proportion to each number is taken off
 */
function normGradient(
  stretched: boolean,
  ...[x, gradient, weight, groups, eps]: Parameters<Kernels['groupNormGradient']>
): Tensor {
  const [batch, channels] = x.shape;
  const pixels = sizeOf(x.shape.slice(2));
  const size = (channels / groups) * pixels;
  const out = allocate(x.dtype, x.data.length);
  for (let start = 0; start < batch * groups * size; start += size) {
    const numbers = Array.from(x.data.subarray(start, start + size));
    const weightAt = (i: number): number => weight.data[Math.floor((start + i) / pixels) % channels];
    const g = numbers.map((_, i) => gradient.data[start + i] * weightAt(i));
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / size;
    const middle = mean(numbers);
    const inverse = 1 / Math.sqrt(mean(numbers.map((value) => (value - middle) ** 2)) + eps);
    const shift = stretched ? mean(g) : 0;
    for (let i = 0; i < size; i++) out[start + i] = (g[i] - shift) * inverse;
  }
  return tensor(x.dtype, x.shape, out);
}

/** Mistakes that only training makes possible. */
export const trainingFaults: readonly Fault[] = [
  inParts('loss-summed', 'add up the squared errors where their mean is meant: 1/N is missing', (one) => ({
    lossScale: (numbers, samples) => numbers * one.lossScale(numbers, samples),
  })),
  inParts(
    'loss-averaged-twice',
    'divide by the batch once more: the mean goes over all numbers of all samples already',
    (one) => ({ lossScale: (numbers, samples) => one.lossScale(numbers, samples) / samples }),
  ),
  inParts(
    'loss-halved',
    'take half of the mean squared error, or leave out the 2 of its derivative: (y − x)², and 2(y − x), are meant',
    (one) => ({ lossScale: (numbers, samples) => one.lossScale(numbers, samples) / 2 }),
  ),
  inKernels(
    'norm-gradient-without-means',
    "leave out both mean terms of the norm's gradient: (g − mean(g) − x̂ · mean(g · x̂))/√(variance + ε) is meant",
    () => ({ groupNormGradient: (...given) => normGradient(false, ...given) }),
  ),
  inKernels(
    'norm-gradient-variance-constant',
    "take the variance for a constant in the norm's gradient: the term x̂ · mean(g · x̂) is missing",
    () => ({ groupNormGradient: (...given) => normGradient(true, ...given) }),
  ),
  inKernels(
    'softmax-gradient-without-sum',
    'leave out the sum in the gradient of the softmax: y · (g − Σ g · y) is meant, over each row',
    (k) => ({ add: (a, b) => (a.shape.length === 3 && b.shape.length === 2 ? a : k.add(a, b)) }),
  ),
  inKernels('weight-gradient-flipped', "turn the gradient of a convolution's weight by 180°", (k) => ({
    conv2dWeightGradient: (x, gradient, kh, kw, ...rest) => {
      const y = k.conv2dWeightGradient(x, gradient, kh, kw, ...rest);
      const size = kh * kw;
      return filled(y, (i) => y.data[i - (i % size) + size - 1 - (i % size)]);
    },
  })),
  inParts(
    'weight-decay-coupled',
    'add λθ to the gradient, as Adam with L2 does: in AdamW the weight decays by itself, θ ← (1 − γλ) θ',
    ({ adamw }) => ({
      adamw: (parameter, gradient, moments, step, options) =>
        adamw(parameter, addScaled(gradient, options.weightDecay, parameter), moments, step, {
          ...options,
          weightDecay: 0,
        }),
    }),
  ),
  inParts('weight-decay-missing', 'leave out the decay of the weights', ({ adamw }) => ({
    adamw: (parameter, gradient, moments, step, options) =>
      adamw(parameter, gradient, moments, step, { ...options, weightDecay: 0 }),
  })),
  inParts('adam-bias-uncorrected', 'leave out the corrections 1 − β₁ᵗ and 1 − β₂ᵗ of the means', ({ adamw }) => ({
    adamw: (parameter, gradient, moments, _, options) => adamw(parameter, gradient, moments, 1e9, options),
  })),
  inParts('adam-step-from-zero', 'count the steps of the corrections one too far: the first one is 1', ({ adamw }) => ({
    adamw: (parameter, gradient, moments, step, options) => adamw(parameter, gradient, moments, step + 1, options),
  })),
  inParts('ema-off-by-one', 'average the weights from before the step: the average takes those after it', () => ({
    average: (average, _, decay, before) => averaged(average, before, decay),
  })),
  inParts('ema-decay-reversed', 'swap β and 1 − β in the running average', ({ average }) => ({
    average: (mean, parameter, decay, before) => average(mean, parameter, 1 - decay, before),
  })),
  inParts(
    'clip-per-tensor',
    'clip each gradient by its own length, where one length holds for all of them together',
    () => ({
      clipGradients: (gradients, most) =>
        new Map([...gradients].flatMap(([name, one]) => [...clipped(new Map([[name, one]]), globalNorm([one]), most)])),
    }),
  ),
  inParts('gradients-unclipped', 'do not clip the gradients', () => ({ clipGradients: (gradients) => gradients })),
];
