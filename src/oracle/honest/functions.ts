/** Elementary functions as honest ports compute them in single precision, of stated quality. */
import { exp } from '../../tensor/math/index.ts';

const f32 = Math.fround;
const log2e = f32(Math.LOG2E);

/**
 * eˣ as 2^(x · log₂ e), that product rounded: what GPUs have instructions for. Error: |x| roundings, so 14 units of the
 * last place at x = −12.
 */
export function expByTwo(x: number): number {
  return f32(exp(f32(x * log2e) * Math.LN2));
}

/** The error function as vector libraries approximate it, to 1.5e-7 (Abramowitz & Stegun 7.1.26). */
export function polynomialErf(x: number): number {
  const t = f32(1 / f32(1 + f32(0.3275911 * Math.abs(x))));
  const sum = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592].reduce(
    (total, c) => f32(f32(total * t) + f32(c)),
    0,
  );
  return Math.sign(x) * f32(1 - f32(f32(sum * t) * expOf(f32(-x * x))));
}

const expOf = (x: number): number => f32(exp(x));
