/**
 * The transforms of Winograd's convolutions (Winograd 1980; Lavin and Gray 2016, arXiv:1509.09308). F(m, 3) makes m
 * neighbouring outputs of three weights g and m + 2 pixels d with m + 2 products where 3m are usual:
 *
 *     y = Aᵀ ((G g) ⊙ (Bᵀ d))
 *
 * Behind it stands the multiplication of polynomials by their values at m + 1 points and at infinity. What is written
 * down here are the points' matrices; each is applied as it stands, term by term.
 */
import type { WinogradWidth } from '../kernels.ts';

/** A matrix, row by row. */
export type Matrix = readonly (readonly number[])[];

/** The matrices of F(m, 3). */
export interface WinogradTransform {
  /** Bᵀ, of m + 2 pixels: [m + 2][m + 2]. */
  readonly input: Matrix;
  /** G, of three weights: [m + 2][3]. */
  readonly weight: Matrix;
  /** Aᵀ, of m + 2 sums: [m][m + 2]. */
  readonly output: Matrix;
}

/**
 * By m. F(2, 3) has the points 0, 1, −1, ∞. F(4, 3) has 0, 1, −1, ½, −2, ∞: with ±2 it would err half as much again.
 */
export const winogradTransforms: Readonly<Record<WinogradWidth, WinogradTransform>> = {
  2: {
    input: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    weight: [
      [1, 0, 0],
      [1 / 2, 1 / 2, 1 / 2],
      [1 / 2, -1 / 2, 1 / 2],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  },
  4: {
    input: [
      [1, -1.5, -2, 1.5, 1, 0],
      [0, -1, 0.5, 2.5, 1, 0],
      [0, 1, -2.5, 0.5, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 0.5, -1, -0.5, 1, 0],
      [0, 1, -1.5, -2, 1.5, 1],
    ],
    weight: [
      [1, 0, 0],
      [1 / 3, 1 / 3, 1 / 3],
      [-1 / 3, 1 / 3, -1 / 3],
      [-16 / 15, -8 / 15, -4 / 15],
      [1 / 15, -2 / 15, 4 / 15],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 0.5, -2, 0],
      [0, 1, 1, 0.25, 4, 0],
      [0, 1, -1, 0.125, -8, 1],
    ],
  },
};

/**
 * A row times a column: the terms are added from the left, those of a factor 0 are left out; each product and each
 * addition rounds.
 * @param column `stride` apart from `start` on
 */
export function rowTimesColumn(
  row: readonly number[],
  column: ArrayLike<number>,
  start: number,
  stride: number,
  round: (exact: number) => number,
): number {
  let sum = 0;
  for (let k = 0; k < row.length; k++) if (row[k] !== 0) sum = round(sum + round(row[k] * column[start + k * stride]));
  return sum;
}

/**
 * A matrix times a small picture times the transpose of another: the columns are transformed first, then the rows.
 * @param picture [as many rows as `vertical` has columns][as many columns as `horizontal` has], row by row
 * @returns [rows of `vertical`][rows of `horizontal`], row by row
 */
export function transformed2d(
  vertical: Matrix,
  horizontal: Matrix,
  picture: ArrayLike<number>,
  round: (exact: number) => number,
): number[] {
  const width = horizontal[0].length;
  const half: number[] = [];
  for (const row of vertical)
    for (let column = 0; column < width; column++) half.push(rowTimesColumn(row, picture, column, width, round));
  const out: number[] = [];
  for (let start = 0; start < half.length; start += width)
    for (const row of horizontal) out.push(rowTimesColumn(row, half, start, 1, round));
  return out;
}

/** The transpose of a matrix. */
export function turned(matrix: Matrix): Matrix {
  return matrix[0].map((_, column) => matrix.map((row) => row[column]));
}
