/**
 * AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101): steps as long as the running mean of the gradient beside the root
 * of that of its square, and weights that decay by themselves, whatever the gradient is.
 */
import { checkOptions, finite, whole, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { pow } from '../tensor/math/index.ts';
import { allocate, sameShape, shapeText, type FloatArray, type Tensor } from '../tensor/tensor.ts';

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

const checks: Checks<AdamWOptions> = {
  learningRate: finite(0),
  beta1: finite(0, 1),
  beta2: finite(0, 1),
  eps: finite(0),
  weightDecay: finite(0),
};

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
 * @throws InputError for tensors of different ones, a step before the first, and options that are none
 */
export function adamwStep(
  parameter: Tensor,
  gradient: Tensor,
  { expAvg, expAvgSq }: Moments,
  step: number,
  options: AdamWOptions,
): { readonly parameter: Tensor; readonly moments: Moments } {
  const { dtype, shape } = parameter;
  for (const [name, x] of Object.entries({ gradient, expAvg, expAvgSq })) {
    if (x.dtype !== dtype || !sameShape(x.shape, shape))
      throw new InputError(
        `${name} is ${shapeText(x.shape)} in ${x.dtype}; expected ${shapeText(shape)} in ${dtype}, as the parameter`,
      );
  }
  whole(1)('the step', step);
  checkOptions('adamwStep', options, checks);
  const { learningRate, beta1, beta2, eps, weightDecay } = options;
  const size = parameter.data.length;
  const next = { theta: allocate(dtype, size), mean: allocate(dtype, size), square: allocate(dtype, size) };
  const before = { theta: parameter.data, mean: expAvg.data, square: expAvgSq.data };
  const factors = {
    kept: 1 - learningRate * weightDecay,
    newMean: 1 - beta1,
    oldSquare: beta2,
    newSquare: 1 - beta2,
    step: -learningRate / (1 - pow(beta1, step)),
    root: Math.sqrt(1 - pow(beta2, step)),
    eps,
  };
  if (dtype === 'f64') updateDoubles(before, gradient.data, next, factors);
  else updateSingles(before, gradient.data, next, factors);
  return {
    parameter: { dtype, shape, data: next.theta },
    moments: {
      expAvg: { dtype, shape, data: next.mean },
      expAvgSq: { dtype, shape, data: next.square },
    },
  };
}

/** θ, m and v. */
interface Arrays {
  readonly theta: FloatArray;
  readonly mean: FloatArray;
  readonly square: FloatArray;
}

/** What is the same for all numbers of a step. */
interface Factors {
  /** 1 − γλ. */
  readonly kept: number;
  /** 1 − β₁. */
  readonly newMean: number;
  /** β₂. */
  readonly oldSquare: number;
  /** 1 − β₂. */
  readonly newSquare: number;
  /** −γ/(1 − β₁ᵗ). */
  readonly step: number;
  /** √(1 − β₂ᵗ). */
  readonly root: number;
  readonly eps: number;
}

function updateDoubles(before: Arrays, gradient: FloatArray, next: Arrays, factors: Factors): void {
  const { kept, newMean, oldSquare, newSquare, step, root, eps } = factors;
  for (let i = 0; i < gradient.length; i++) {
    const g = gradient[i];
    const m = before.mean[i] + newMean * (g - before.mean[i]);
    const v = before.square[i] * oldSquare + newSquare * g * g;
    next.mean[i] = m;
    next.square[i] = v;
    next.theta[i] = before.theta[i] * kept + (step * m) / (Math.sqrt(v) / root + eps);
  }
}

/** The same with each result rounded; a function of its own, for engines make it fast only where they know the type. */
function updateSingles(before: Arrays, gradient: FloatArray, next: Arrays, factors: Factors): void {
  const { kept, newMean, oldSquare, newSquare, step, root, eps } = rounded(factors);
  const { fround, sqrt } = Math;
  const { theta, mean, square } = before;
  for (let i = 0; i < gradient.length; i++) {
    const g = gradient[i];
    const m = fround(mean[i] + fround(newMean * fround(g - mean[i])));
    const v = fround(fround(square[i] * oldSquare) + fround(fround(newSquare * g) * g));
    const denominator = fround(fround(fround(sqrt(v)) / root) + eps);
    next.mean[i] = m;
    next.square[i] = v;
    next.theta[i] = fround(theta[i] * kept) + fround(fround(step * m) / denominator);
  }
}

function rounded(factors: Factors): Factors {
  return {
    kept: Math.fround(factors.kept),
    newMean: Math.fround(factors.newMean),
    oldSquare: Math.fround(factors.oldSquare),
    newSquare: Math.fround(factors.newSquare),
    step: Math.fround(factors.step),
    root: Math.fround(factors.root),
    eps: Math.fround(factors.eps),
  };
}
