/**
 * Sparse softmax over the last dimension: α-entmax (Peters, Niculae & Martins 2019, arXiv 1905.05702). A row of numbers
 * becomes a row of shares, none negative, of sum 1, many of them exactly 0: the more, the larger α. α = 1 would be
 * softmax; here are the two that have a threshold in closed form.
 *
 *     α = 2, sparsemax (Martins & Astudillo 2016):   p[n] = max(0, z[n] − τ),     z = x
 *     α = 1.5:                                       p[n] = max(0, z[n] − τ)²,    z = x/2
 *
 * τ is the number with which the shares sum to 1. With the numbers of the row in descending order, z₁ ≥ z₂ ≥ …, it is
 * what the first k of them say, for the largest k for which z_k is above it:
 *
 *     α = 2:     τ_k = (Σ_{j≤k} z_j − 1) / k
 *     α = 1.5:   τ_k = m_k − √max(0, (1 − Σ_{j≤k} (z_j − m_k)²) / k),   m_k the mean of the first k
 */
import { allocate, sizeOf, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import type { EntmaxAlpha } from '../kernels.ts';
import { stored } from './rounding.ts';

/**
 * Each row in double precision, with its largest number taken off first, sums from the largest on; rounded once.
 * @param x [… ,N]: R rows
 * @returns [… ,N]
 */
export function entmax(x: Tensor, alpha: EntmaxAlpha): Tensor {
  const N = x.shape.at(-1) ?? 1;
  const R = sizeOf(x.shape.slice(0, -1));
  const out = allocate(x.dtype, x.data.length);
  for (let r = 0; r < R; r++) out.set(entmaxRow(x.data.subarray(r * N, (r + 1) * N), alpha), r * N);
  return stored(x.dtype, x.shape, out);
}

/** The shares of one row; NaN throughout if it holds a NaN, or no number above −∞. */
function entmaxRow(row: FloatArray, alpha: EntmaxAlpha): Float64Array {
  let max = -Infinity;
  for (const number of row) max = Math.max(max, number);
  const z = Float64Array.from(row, (number) => (number - max) / (alpha === 2 ? 1 : 2));
  const tau = thresholdOf(z.slice().sort().reverse(), alpha);
  return z.map((number) => {
    const above = number < tau ? 0 : number - tau;
    return alpha === 2 ? above : above * above;
  });
}

/** @param sorted in descending order; NaN stands before all numbers */
function thresholdOf(sorted: Float64Array, alpha: EntmaxAlpha): number {
  let tau = NaN;
  let [sum, squares] = [0, 0];
  for (let k = 1; k <= sorted.length; k++) {
    const number = sorted[k - 1];
    sum += number;
    squares += number * number;
    const mean = sum / k;
    const spread = squares - k * mean * mean;
    const next = alpha === 2 ? (sum - 1) / k : mean - Math.sqrt(Math.max(0, (1 - spread) / k));
    if (!(number > next)) return tau;
    tau = next;
  }
  return tau;
}
