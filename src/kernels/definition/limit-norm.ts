/**
 * Rows that are cut to the length of others (normalised attention guidance, arXiv 2505.21179): one whose norm is more
 * than τ times that of the other row is scaled down to that, the others stay as they are.
 *
 *     out[r] = x[r] · min(1, τ ‖like[r]‖₁ / ‖x[r]‖₁),   ‖·‖₁ the sum of sizes
 */
import { allocate, sizeOf, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { stored } from './rounding.ts';

/**
 * Norms and factor in double precision, sums from the first number on; each product rounded once.
 * @param x [… ,N]: R rows
 * @param like [… ,N]
 * @param limit τ, 0 or more
 * @returns [… ,N]
 */
export function limitNorm(x: Tensor, like: Tensor, limit: number): Tensor {
  const N = x.shape.at(-1) ?? 1;
  const R = sizeOf(x.shape.slice(0, -1));
  const out = allocate(x.dtype, x.data.length);
  for (let r = 0; r < R; r++) {
    const row = x.data.subarray(r * N, (r + 1) * N);
    const most = limit * sumOfSizes(like.data.subarray(r * N, (r + 1) * N));
    const found = sumOfSizes(row);
    const factor = found <= most ? 1 : most / found;
    for (let n = 0; n < N; n++) out[r * N + n] = row[n] * factor;
  }
  return stored(x.dtype, x.shape, out);
}

function sumOfSizes(row: FloatArray): number {
  let sum = 0;
  for (const number of row) sum += Math.abs(number);
  return sum;
}
