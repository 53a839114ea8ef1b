import { addToWide, divideWide } from './wide.ts';
import { scaledWideExp } from './wide-exp.ts';

/** tanh(x) = (e²ˣ − 1) / (e²ˣ + 1). Error: at most 0.501 ulp. tanh(±∞) = ±1, tanh(±0) = ±0. */
export function tanh(x: number): number {
  if (x === 0) return x;
  const size = Math.abs(x);
  if (size > 22) return x > 0 ? 1 : -1;
  if (size < 1 / 32) {
    // The first terms of the Taylor series.
    const z = x * x;
    return x - x * z * (1 / 3 - z * (2 / 15 - z * (17 / 315 - z * (62 / 2835 - z * (1382 / 155925)))));
  }
  const e = scaledWideExp({ hi: 2 * size, lo: 0 });
  const quotient = divideWide(addToWide(e, -1), addToWide(e, 1));
  const result = quotient.hi + quotient.lo;
  return x < 0 ? -result : result;
}
