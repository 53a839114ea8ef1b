/**
 * AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101): steps as long as the running mean of the gradient beside the root
 * of that of its square, and weights that decay by themselves, whatever the gradient is.
 */
import { at } from '../tensor/at.ts';
import { pow } from '../tensor/math/index.ts';
import { allocate, type Tensor } from '../tensor/tensor.ts';

/** Named as in `torch.optim.AdamW`. */
export interface AdamWOptions {
  /** γ, from 0. */
  readonly learningRate: number;
  /** How much of the mean gradient stays from step to step, from 0 to below 1. */
  readonly beta1: number;
  /** How much of the mean square stays. */
  readonly beta2: number;
  /** What is added to the root, above 0. */
  readonly eps: number;
  /** λ, of which a weight loses γ λ in a step, from 0. */
  readonly weightDecay: number;
}

/** What AdamW remembers of a parameter, both of its shape. */
export interface Moments {
  /** m, the running mean of its gradient. */
  readonly expAvg: Tensor;
  /** v, that of the gradient's square. */
  readonly expAvgSq: Tensor;
}

/**
 * θ ← (1 − γλ) θ;  m ← m + (1 − β₁)(g − m);  v ← β₂ v + (1 − β₂) g²;
 * θ ← θ − γ/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
 *
 * Each operation is rounded to the parameter's precision, in the order of `torch.optim.AdamW` (its loop over single
 * tensors), numbers that are no tensors before they meet one. Where PyTorch's processors fuse a product and a sum, it
 * rounds once less.
 * @param step t, from 1
 * @returns new tensors; all are of one shape and precision, f32 or f64
 */
export function adamwStep(
  parameter: Tensor,
  gradient: Tensor,
  { expAvg, expAvgSq }: Moments,
  step: number,
  { learningRate, beta1, beta2, eps, weightDecay }: AdamWOptions,
): { readonly parameter: Tensor; readonly moments: Moments } {
  const { dtype, shape } = parameter;
  const round = dtype === 'f64' ? asItIs : Math.fround;
  const kept = round(1 - learningRate * weightDecay);
  const [new1, stay2, new2] = [round(1 - beta1), round(beta2), round(1 - beta2)];
  const stepSize = round(-learningRate / (1 - pow(beta1, step)));
  const root2 = round(Math.sqrt(1 - pow(beta2, step)));
  const least = round(eps);
  const size = parameter.data.length;
  const [theta, mean, square] = [allocate(dtype, size), allocate(dtype, size), allocate(dtype, size)];
  for (let i = 0; i < size; i++) {
    const [g, m] = [at(gradient.data, i), at(expAvg.data, i)];
    const newMean = round(m + round(new1 * round(g - m)));
    const newSquare = round(round(at(expAvgSq.data, i) * stay2) + round(round(new2 * g) * g));
    const denominator = round(round(round(Math.sqrt(newSquare)) / root2) + least);
    theta[i] = round(at(parameter.data, i) * kept) + round(round(stepSize * newMean) / denominator);
    mean[i] = newMean;
    square[i] = newSquare;
  }
  return {
    parameter: { dtype, shape, data: theta },
    moments: { expAvg: { dtype, shape, data: mean }, expAvgSq: { dtype, shape, data: square } },
  };
}

const asItIs = (value: number): number => value;
