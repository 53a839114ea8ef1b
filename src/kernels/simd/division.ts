/** Whole numbers cut into equal parts. */

/**
 * Cuts `total` into pieces of at most `most`, at least `atLeast` pieces where that is possible, and none much smaller
 * than the others: the size of a piece.
 */
export function pieceSize(total: number, most: number, atLeast: number): number {
  const largest = Math.max(1, Math.min(most, Math.ceil(total / atLeast)));
  return Math.ceil(total / Math.ceil(total / largest));
}

/** The largest divisor of n that is at most `limit`. */
export function divisorUpTo(n: number, limit: number): number {
  let d = Math.max(1, Math.min(n, Math.floor(limit)));
  while (n % d !== 0) d--;
  return d;
}

/** The largest number that divides both, of numbers from 0 on. */
export function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
