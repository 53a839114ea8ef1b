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

/** A part of a picture, or several whole ones of a batch. */
export interface StripSize {
  /** Rows of a picture: a divisor of all of them. */
  readonly height: number;
  /** A divisor of the batch; 1 where the strip is a part of a picture. */
  readonly pictures: number;
}

/** Cuts a batch of pictures, in which `perRow` elements are a row, into strips of at most `most`, or of one row. */
export function stripSize(batch: number, rows: number, perRow: number, most: number): StripSize {
  const height = divisorUpTo(rows, most / perRow);
  return { height, pictures: height < rows ? 1 : divisorUpTo(batch, most / (rows * perRow)) };
}
