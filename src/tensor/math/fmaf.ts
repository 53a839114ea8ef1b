/** Fused multiply-add in float32, which JavaScript has not. */
import { twoSum } from './wide.ts';

/**
 * a · b + c rounded once to float32; a, b and c are float32 numbers. In double the product is exact, the sum is not:
 * where it had to be rounded, it is rounded to the neighbour with an odd last bit, which no second rounding can mistake
 * for a tie (Boldo and Melquiond 2008).
 */
export function fmaf(a: number, b: number, c: number): number {
  const { hi, lo } = twoSum(a * b, c);
  if (lo === 0 || !Number.isFinite(hi)) return Math.fround(hi);
  one[0] = hi;
  // Of an even last bit: the number itself is one neighbour, the odd one lies on the side of what was rounded away.
  if (words[LOW] % 2 === 0) step(lo > 0 === hi > 0);
  return Math.fround(one[0]);
}

/** Moves `one`, whose last bit is even, to the next double away from zero, or towards it. */
function step(away: boolean): void {
  if (away) words[LOW] += 1;
  else if (words[LOW] > 0) words[LOW] -= 1;
  else {
    words[LOW] = 0xffffffff;
    words[HIGH] -= 1;
  }
}

/** Where a single number is rounded; it carries nothing from one call to the next. */
const one = new Float64Array(1);
const words = new Uint32Array(one.buffer);
/** Every engine with typed arrays that is in use stores the lower half first. */
const [LOW, HIGH] = [0, 1];
