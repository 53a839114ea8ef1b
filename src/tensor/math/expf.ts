/**
 * exp in float32, from float32 operations only: each line below is one rounded multiplication, addition or
 * subtraction, a selection, or an integer shift. Four lanes of WebAssembly SIMD repeat it bit for bit.
 *
 * Error: at most 0.952 ulp over all float32 (measured exhaustively), subnormal results included.
 * exp(x) = 2ⁿ · exp(r), x = n·ln 2 + r, |r| ≤ ln 2 / 2 (Cody and Waite, 1980); exp(r) = 1 + (r + r²·q(r)).
 */
import { powerOfTwo } from './powers-of-two.ts';

/** Every constant of `expf`; scripts/minimax/expf.py derives them. */
export const EXPF = {
  /** exp rounds to 0 at and below this. */
  LOWEST: -104,
  /** exp is ∞ in float32 at and above this. */
  HIGHEST: 89,
  LOG2_E: 1.4426950216293335,
  /** 1.5 · 2²³: adding and subtracting it rounds to the nearest integer, ties to even. */
  ROUNDER: 12582912,
  /** ln 2 in two parts; the first has 15 significant bits, so that n · LN2_HIGH is exact. */
  LN2_HIGH: 0.693145751953125,
  LN2_LOW: 1.428606765330187e-6,
  /** q, highest power first: the Chebyshev interpolant of (exp(r) − 1 − r) / r². */
  POLYNOMIAL: [
    0.00019891078409273177, 0.00139337289147079, 0.00833331048488617, 0.041666463017463684, 0.1666666716337204, 0.5,
  ],
} as const;

const { LOWEST, HIGHEST, LOG2_E, ROUNDER, LN2_HIGH, LN2_LOW } = EXPF;
const [Q5, Q4, Q3, Q2, Q1, Q0] = EXPF.POLYNOMIAL;
const round = Math.fround;

/** exp(x) for a float32 x. exp(NaN) = NaN, exp(∞) = ∞, exp(−∞) = 0. */
export function expf(x: number): number {
  // Comparisons that are false for NaN let it through to the result.
  // biome-ignore lint/complexity/useMathMinMax: a selection, as in the lanes of SIMD
  let clamped = x < LOWEST ? LOWEST : x;
  // biome-ignore lint/complexity/useMathMinMax: the same
  clamped = clamped > HIGHEST ? HIGHEST : clamped;

  const n = round(round(round(clamped * LOG2_E) + ROUNDER) - ROUNDER);
  const r = round(round(clamped - round(n * LN2_HIGH)) - round(n * LN2_LOW));

  let q: number = Q5;
  q = round(round(q * r) + Q4);
  q = round(round(q * r) + Q3);
  q = round(round(q * r) + Q2);
  q = round(round(q * r) + Q1);
  q = round(round(q * r) + Q0);
  const y = round(1 + round(r + round(round(r * r) * q)));

  // 2ⁿ in two factors, since n reaches from −150 to 128: neither overflows, and a subnormal result is rounded once, at
  // the end.
  const half = n >> 1;
  return round(round(y * powerOfTwo(half)) * powerOfTwo(n - half));
}
