/** Natural logarithms. */
import { decompose } from './decompose.ts';
import { addToWide, addWide, divideWide, multiplyWide, ratio, twoSum } from './wide.ts';
import type { Wide } from './wide.ts';

/**
 * ln 2 in two parts; the first has 42 significant bits, so that k · LN2_HIGH is exact for |k| < 2¹¹
 * (scripts/minimax/constants.py).
 */
const LN2_HIGH = 0.6931471805598903;
const LN2_LOW = 5.497923018708371e-14;
const THIRD = ratio(1, 3);
const FIFTH = ratio(1, 5);

/** ln x. Error: at most 0.501 ulp. log(±0) = −∞, log of a negative number is NaN. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return Infinity;
  const result = wideLog(x);
  return result.hi + result.lo;
}

/** ln (1 + x), accurate near 0 too. Error: at most 0.67 ulp. NaN below −1, −∞ at −1. */
export function log1p(x: number): number {
  if (x === 0) return x;
  if (!(x > -1)) return x === -1 ? -Infinity : NaN;
  if (x === Infinity) return Infinity;
  const argument = twoSum(1, x);
  const result = addToWide(wideLog(argument.hi), argument.lo / argument.hi);
  return result.hi + result.lo;
}

/**
 * ln x for a positive finite x in twice double precision: relative error about 2⁻⁶⁵.
 * x = 2ᵏ·m, √½ ≤ m < √2; ln m = 2 artanh f, f = (m − 1)/(m + 1), |f| ≤ 0.172; artanh f = f + f³/3 + f⁵/5 + …,
 * its first three terms in wide precision; the later ones are so small that double suffices.
 */
export function wideLog(x: number): Wide {
  const { significand, exponent } = decompose(x);
  let m = significand * 2 ** -52;
  let k = exponent + 52;
  if (m > Math.SQRT2) {
    m /= 2;
    k += 1;
  }
  const f = divideWide({ hi: m - 1, lo: 0 }, twoSum(m, 1));
  const s = multiplyWide(f, f);

  let tail = 0;
  for (let odd = 27; odd >= 7; odd -= 2) tail = tail * s.hi + 1 / odd;
  const fifths = addToWide(FIFTH, tail * s.hi);
  const thirds = addWide(THIRD, multiplyWide(s, fifths));
  const half = addWide(f, multiplyWide(f, multiplyWide(s, thirds)));
  const fromExponent = addToWide({ hi: k * LN2_HIGH, lo: 0 }, k * LN2_LOW);
  return addWide(fromExponent, { hi: 2 * half.hi, lo: 2 * half.lo });
}
