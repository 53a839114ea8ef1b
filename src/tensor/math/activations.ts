/** The activation functions of the layers, in double precision, and the logistic function. */
import { erf } from './erf.ts';
import { exp } from './exp.ts';

/** 1 / (1 + e⁻ˣ). */
export function sigmoid(x: number): number {
  return 1 / (1 + exp(-x));
}

/** x · sigmoid(x), also called swish. */
export function silu(x: number): number {
  return x / (1 + exp(-x));
}

/** x · Φ(x), Φ the distribution function of the normal distribution: the exact form, not the one with tanh. */
export function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x * Math.SQRT1_2));
}

/** x · tanh(ln(1 + eˣ)). With e = eˣ the tanh is (e² + 2e) / (e² + 2e + 2), which for x > 20 is 1 to the last bit. */
export function mish(x: number): number {
  if (x > 20) return x;
  const e = exp(x);
  const n = e * (e + 2);
  return (x * n) / (n + 2);
}
