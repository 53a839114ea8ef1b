/** exp in double precision. */
import { powerOfTwo } from './powersOfTwo.ts';

const LOG2_E = 1.4426950408889634;
/** 1.5 · 2⁵²: adding and subtracting it rounds to the nearest integer, ties to even. */
const ROUNDER = 6755399441055744;
/** ln 2 in two parts; the first has 32 significant bits, so that n · LN2_HIGH is exact for |n| < 2²¹. */
const LN2_HIGH = 0.6931471806019545;
const LN2_LOW = -4.2009150726810846e-11;

/**
 * exp(x). Error: at most 0.6 ulp, 0.74 where the result is subnormal. exp(NaN) = NaN, exp(∞) = ∞, exp(−∞) = 0; 0 below about −745.13, ∞ above about 709.78.
 * exp(x) = 2ⁿ · exp(r), x = n·ln 2 + r, |r| ≤ ln 2 / 2; exp(r) is its Taylor polynomial of degree 13.
 */
export function exp(x: number): number {
  if (x > 710) return Infinity;
  if (x < -746) return 0;
  const n = x * LOG2_E + ROUNDER - ROUNDER;
  const near = x - n * LN2_HIGH;
  const far = n * LN2_LOW;
  const r = near - far;
  const rest = near - r - far; // what the subtraction above rounded away

  let q = 1 / 6227020800;
  q = q * r + 1 / 479001600;
  q = q * r + 1 / 39916800;
  q = q * r + 1 / 3628800;
  q = q * r + 1 / 362880;
  q = q * r + 1 / 40320;
  q = q * r + 1 / 5040;
  q = q * r + 1 / 720;
  q = q * r + 1 / 120;
  q = q * r + 1 / 24;
  q = q * r + 1 / 6;
  q = q * r + 0.5;

  const sum = 1 + r;
  const y = sum + (r - (sum - 1) + (rest + r * r * q));
  // 2ⁿ in two factors, since n reaches from −1075 to 1024.
  const half = n >> 1;
  return y * powerOfTwo(half) * powerOfTwo(n - half);
}
