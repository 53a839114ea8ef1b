/**
 * Sums of products in several legal orders. Each takes `n` numbers of a from `i` on and of b from `j` on, held in
 * float32.
 */
import { roundTo } from '../../tensor/rounding.ts';
import type { FloatArray } from '../../tensor/tensor.ts';

/** Σ a[i + k] · b[j + k] over k < n, in some order, with some roundings. */
export type Dot = (a: FloatArray, i: number, b: FloatArray, j: number, n: number) => number;

const f32 = Math.fround;

/** One after another, each product and each sum rounded. */
export const sequential: Dot = (a, i, b, j, n) => {
  let sum = 0;
  for (let k = 0; k < n; k++) sum = f32(sum + f32(a[i + k] * b[j + k]));
  return sum;
};

/** The last one first. */
export const reversed: Dot = (a, i, b, j, n) => {
  let sum = 0;
  for (let k = n - 1; k >= 0; k--) sum = f32(sum + f32(a[i + k] * b[j + k]));
  return sum;
};

/**
 * Product and sum rounded once, together, as a fused multiply-add does. (The product of two float32 is exact in
 * double.)
 */
export const fused: Dot = (a, i, b, j, n) => {
  let sum = 0;
  for (let k = 0; k < n; k++) sum = f32(sum + a[i + k] * b[j + k]);
  return sum;
};

/** The sum of the one half plus the sum of the other. */
export const pairwise: Dot = (a, i, b, j, n) => {
  if (n <= 4) return sequential(a, i, b, j, n);
  const half = n >> 1;
  return f32(pairwise(a, i, b, j, half) + pairwise(a, i + half, b, j + half, n - half));
};

/** Sixteen sums side by side, as vector units do it, added up at the end. */
export const lanes: Dot = (a, i, b, j, n) => {
  const sums = new Float32Array(16);
  for (let k = 0; k < n; k++) sums[k & 15] += f32(a[i + k] * b[j + k]);
  for (let half = 8; half >= 1; half /= 2) for (let k = 0; k < half; k++) sums[k] += sums[k + half];
  return sums[0];
};

/** One after another, everything rounded to float16: the least accurate order that float16 arithmetic allows. */
export const inHalf: Dot = (a, i, b, j, n) => {
  let sum = 0;
  for (let k = 0; k < n; k++) sum = roundTo('f16', sum + roundTo('f16', a[i + k] * b[j + k]));
  return sum;
};

/** Sums of 32 products in float32, added up in float16: how tiles of half-precision matrix units meet. */
export const halfTiles: Dot = (a, i, b, j, n) => {
  let sum = 0;
  for (let k = 0; k < n; k += 32) sum = roundTo('f16', sum + sequential(a, i + k, b, j + k, Math.min(32, n - k)));
  return sum;
};
