/**
 * Softmax over the last dimension (torch.softmax): a row of numbers becomes a row of shares, none negative, of sum 1.
 *
 *     out[r,n] = p[n] / Σ_n p[n],   p[n] = exp(x[r,n] − max x[r])
 *
 * It is the one operation in which numbers compete: what one gains, the others lose. Taking away the maximum changes
 * nothing but that the exponential cannot overflow.
 */
import { exp, expf } from '../../tensor/math/index.ts';
import { allocate, sizeOf, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { rounding, stored } from './rounding.ts';
import { sumInLanes } from './sums.ts';

/**
 * @param x [… ,N]: R rows
 * @returns [… ,N]
 */
export function softmax(x: Tensor): Tensor {
  const N = x.shape.at(-1) ?? 1;
  const R = sizeOf(x.shape.slice(0, -1));
  const out = allocate(x.dtype, x.data.length);
  for (let r = 0; r < R; r++) out.set(softmaxRow(x.data.subarray(r * N, (r + 1) * N)), r * N);
  return stored(x.dtype, x.shape, out);
}

/**
 * The shares of one row, in single precision if it is a Float32Array: difference, exponential and quotient are rounded,
 * and the sum is taken in 16 lanes.
 */
export function softmaxRow(row: FloatArray): FloatArray {
  const single = row instanceof Float32Array;
  const round = rounding(single ? 'f32' : 'f64');
  // 1. The greatest number. NaN if there is one.
  let max = -Infinity;
  for (const number of row) max = Math.max(max, number);
  // 2. Powers: 1 for the greatest, less for the others.
  const powers = row.map((number) => (single ? expf : exp)(round(number - max)));
  // 3. Each one's share.
  const total = sumInLanes(powers, 16);
  return powers.map((power) => power / total);
}
