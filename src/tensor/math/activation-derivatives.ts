/** The derivatives of the activation functions, in double precision, and that of SiLU in float32. */
import { LOWER_TAIL, lowerTail, MISH_LINEAR, QUICK_GELU, sigmoid, SQRT_2_PI } from './activations.ts';
import { erf } from './erf.ts';
import { exp } from './exp.ts';
import { expf } from './expf.ts';
import { tanh } from './tanh.ts';

const round = Math.fround;

/** s (1 + x (1 − s)), s = sigmoid(x). */
export function siluDerivative(x: number): number {
  return sigmoid(x) * (1 + x * sigmoid(-x));
}

/** The same, each operation rounded to float32, so that SIMD lanes can repeat it. */
export function siluDerivativef(x: number): number {
  const s = round(1 / round(1 + expf(-x)));
  return round(s * round(1 + round(x * round(1 - s))));
}

/** Φ(x) + x · φ(x), φ = e^(−x²/2) / √2π. */
export function geluDerivative(x: number): number {
  const below = x < LOWER_TAIL ? lowerTail(-x) : 0.5 * (1 + erf(x * Math.SQRT1_2));
  return below + (x * exp(-0.5 * x * x)) / SQRT_2_PI;
}

/** t + x · dt/dx, t = tanh(ln(1 + eˣ)) = n / (n + 2), n = e² + 2e, e = eˣ: dt/dx = 4e (e + 1) / (n + 2)². */
export function mishDerivative(x: number): number {
  if (x > MISH_LINEAR) return 1;
  const e = exp(x);
  const n = e * (e + 2);
  return n / (n + 2) + (x * 4 * e * (e + 1)) / ((n + 2) * (n + 2));
}

/** 1 where x > 0, else 0, as in PyTorch also at 0; NaN stays NaN. */
export function reluDerivative(x: number): number {
  return Number.isNaN(x) ? x : Number(x > 0);
}

/** As that of SiLU, with s = sigmoid(1.702 x). */
export function quickGeluDerivative(x: number): number {
  return siluDerivative(QUICK_GELU * x);
}

/** 1 − tanh² x. */
export function tanhDerivative(x: number): number {
  const t = tanh(x);
  return (1 - t) * (1 + t);
}
