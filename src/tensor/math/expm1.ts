import { exp } from './exp.ts';
import { addToWide } from './wide.ts';
import { scaledWideExp } from './wide-exp.ts';

/** exp(x) − 1, accurate near 0 too. Error: at most 0.6 ulp. expm1(−∞) = −1, expm1(±0) = ±0. */
export function expm1(x: number): number {
  if (x === 0) return x;
  if (x > 40) return exp(x); // the 1 lies below the last bit
  if (x < -40) return -1;
  if (Math.abs(x) < 1 / 16) {
    let series = 0;
    for (let k = 11, factorial = 39916800; k >= 3; factorial /= k, k--) series = series * x + 1 / factorial;
    return x + x * x * (0.5 + x * series);
  }
  const result = addToWide(scaledWideExp({ hi: x, lo: 0 }), -1);
  return result.hi + result.lo;
}
