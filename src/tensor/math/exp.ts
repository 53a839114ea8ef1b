/** exp in double precision. */
import { powerOfTwo } from './powers-of-two.ts';

/** Every constant of `exp`. */
export const EXP = {
  /** exp overflows above HIGHEST and is 0 below LOWEST. */
  HIGHEST: 710,
  LOWEST: -746,
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: Math.LOG2E is the engine's choice; this is a number
  LOG2_E: 1.4426950408889634,
  /** 1.5 · 2⁵²: adding and subtracting it rounds to the nearest integer, ties to even. */
  ROUNDER: 6755399441055744,
  /** ln 2 in two parts; the first has 32 significant bits, so that n · LN2_HIGH is exact for |n| < 2²¹. */
  LN2_HIGH: 0.6931471806019545,
  LN2_LOW: -4.2009150726810846e-11,
  /** (exp(r) − 1 − r) / r², highest power first: 1/13!, 1/12! … 1/2!. */
  TAYLOR: [
    1 / 6227020800,
    1 / 479001600,
    1 / 39916800,
    1 / 3628800,
    1 / 362880,
    1 / 40320,
    1 / 5040,
    1 / 720,
    1 / 120,
    1 / 24,
    1 / 6,
    0.5,
  ],
} as const;

const { HIGHEST, LOWEST, LOG2_E, ROUNDER, LN2_HIGH, LN2_LOW } = EXP;
const [T13, T12, T11, T10, T9, T8, T7, T6, T5, T4, T3, T2] = EXP.TAYLOR;

/**
 * exp(x). Error: at most 0.6 ulp, 0.74 where the result is subnormal. exp(NaN) = NaN, exp(∞) = ∞, exp(−∞) = 0; 0 below
 * about −745.13, ∞ above about 709.78. exp(x) = 2ⁿ · exp(r), x = n·ln 2 + r, |r| ≤ ln 2 / 2; exp(r) is its Taylor
 * polynomial of degree 13.
 */
export function exp(x: number): number {
  if (x > HIGHEST) return Infinity;
  if (x < LOWEST) return 0;
  const n = x * LOG2_E + ROUNDER - ROUNDER;
  const near = x - n * LN2_HIGH;
  const far = n * LN2_LOW;
  const r = near - far;
  const rest = near - r - far; // what the subtraction above rounded away

  let q: number = T13;
  q = q * r + T12;
  q = q * r + T11;
  q = q * r + T10;
  q = q * r + T9;
  q = q * r + T8;
  q = q * r + T7;
  q = q * r + T6;
  q = q * r + T5;
  q = q * r + T4;
  q = q * r + T3;
  q = q * r + T2;

  const sum = 1 + r;
  const y = sum + (r - (sum - 1) + (rest + r * r * q));
  // 2ⁿ in two factors, since n reaches from −1075 to 1024.
  const half = n >> 1;
  return y * powerOfTwo(half) * powerOfTwo(n - half);
}
