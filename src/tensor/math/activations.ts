/** The activation functions of the layers, in double precision, and the logistic function. */
import { erf } from './erf.ts';
import { exp } from './exp.ts';
import { twoProduct } from './wide.ts';

/** 1 / (1 + e⁻ˣ). Error: below 2 ulp. */
export function sigmoid(x: number): number {
  return 1 / (1 + exp(-x));
}

/** x · sigmoid(x), also called swish. Error: below 2 ulp. silu(−∞) is −∞ / ∞ = NaN, as in PyTorch. */
export function silu(x: number): number {
  return x / (1 + exp(-x));
}

/** The factor of `quickGelu`, with which it is nearest to x · Φ(x). */
export const QUICK_GELU = 1.702;

/** x · sigmoid(1.702 x), with which the first CLIP was trained in the place of GELU. Error: below 3 ulp. */
export function quickGelu(x: number): number {
  return x / (1 + exp(-QUICK_GELU * x));
}

/**
 * x · Φ(x), Φ the distribution function of the normal distribution: the exact form of GELU, not the one with tanh.
 * Error: at most 3e-14 of the result. gelu(−∞) is −∞ · 0 = NaN, as in PyTorch.
 */
export function gelu(x: number): number {
  return x < LOWER_TAIL ? x * lowerTail(-x) : 0.5 * x * (1 + erf(x * Math.SQRT1_2));
}

/** Below this 1 + erf would lose too many digits. */
export const LOWER_TAIL = -3;
/** Levels of the continued fraction of `lowerTail`. */
export const FRACTION_LEVELS = 60;
/** √2π. */
export const SQRT_2_PI = Math.sqrt(2 * Math.PI);

/** Beyond this Φ(−a) lies below the smallest double. */
export const TAIL_END = 40;

/** Φ(−a) for a ≥ 3 by Laplace's continued fraction: e^(−a²/2) / √2π / (a + 1/(a + 2/(a + 3/(a + …)))). */
export function lowerTail(a: number): number {
  if (a > TAIL_END) return 0;
  let fraction = a;
  for (let level = FRACTION_LEVELS; level >= 1; level--) fraction = a + level / fraction;
  // e^(−a²/2) with all the digits of a².
  const square = twoProduct(a, a);
  return (exp(-0.5 * square.hi) * (1 - 0.5 * square.lo)) / (SQRT_2_PI * fraction);
}

/** Beyond this mish is x to the last bit. */
export const MISH_LINEAR = 20;

/**
 * x · tanh(ln(1 + eˣ)). With e = eˣ the tanh is (e² + 2e) / (e² + 2e + 2), which for large x is 1 to the last bit.
 * Error: below 4 ulp.
 */
export function mish(x: number): number {
  if (x > MISH_LINEAR) return x;
  const e = exp(x);
  const n = e * (e + 2);
  return (x * n) / (n + 2);
}
