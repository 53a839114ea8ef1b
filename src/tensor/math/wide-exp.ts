/** exp in twice double precision, for the functions that are made from it. */
import { powerOfTwo } from './powers-of-two.ts';
import { addToWide, addWide, multiplyWide, ratio, twoProduct } from './wide.ts';
import type { Wide } from './wide.ts';

// biome-ignore lint/suspicious/noApproximativeNumericConstant: Math.LOG2E is the engine's choice; this is a number
const LOG2_E = 1.4426950408889634;
/** 1.5 · 2⁵²: adding and subtracting it rounds to the nearest integer, ties to even. */
const ROUNDER = 6755399441055744;
/**
 * ln 2 in two parts; the first has 42 significant bits, so that n · LN2_HIGH is exact for |n| < 2¹¹
 * (scripts/minimax/constants.py).
 */
const LN2_HIGH = 0.6931471805598903;
const LN2_LOW = 5.497923018708371e-14;
const SIXTH = ratio(1, 6);
const TWENTY_FOURTH = ratio(1, 24);

/**
 * exp(x) = 2^exponent · value, for |x| ≤ 1000; relative error about 2⁻⁶⁷. The value lies near [√½, √2].
 * The Taylor series, its first five terms in wide precision; the later ones are so small that double suffices.
 */
export function wideExp(x: Wide): { value: Wide; exponent: number } {
  const n = x.hi * LOG2_E + ROUNDER - ROUNDER;
  const far = twoProduct(n, LN2_LOW);
  const r = addWide(addToWide(x, -n * LN2_HIGH), { hi: -far.hi, lo: -far.lo });

  let tail = 0;
  for (let k = 17, factorial = 355687428096000; k >= 5; factorial /= k, k--) tail = tail * r.hi + 1 / factorial;
  const fourth = addToWide(TWENTY_FOURTH, tail * r.hi);
  const third = addWide(SIXTH, multiplyWide(r, fourth));
  const second = addToWide(multiplyWide(r, third), 0.5);
  const first = addToWide(multiplyWide(r, second), 1);
  return { value: addToWide(multiplyWide(r, first), 1), exponent: n };
}

/** The same in one number, for |x| ≤ 400. */
export function scaledWideExp(x: Wide): Wide {
  const { value, exponent } = wideExp(x);
  const power = powerOfTwo(exponent);
  return { hi: value.hi * power, lo: value.lo * power };
}
