/**
 * The product of two matrices: the one loop in which a network spends its time. Convolution, linear layers and
 * attention all come down to it.
 *
 *     out[m,n] = Σ_k a[m,k] · b[k,n]
 *
 * Against definition/sums: the terms of a sum are not collected. The sums of a whole row, of four rows even, grow side
 * by side, a term of each at a time, so the inner loop runs along b and out as they lie in memory. Each single sum
 * still takes its terms in their order and in runs.
 */
import type { FloatArray } from '../../tensor/tensor.ts';
import { runLength } from '../definition/sums.ts';

const f32 = Math.fround;

/**
 * Writes out [rows, columns] = a [rows, inner] · b [inner, columns], each sum in runs of `run` terms. In single
 * precision if `out` is a Float32Array.
 */
export function matmul(
  out: FloatArray,
  a: FloatArray,
  b: FloatArray,
  rows: number,
  inner: number,
  columns: number,
  run = runLength,
): void {
  const sums = out.slice(0, 4 * columns);
  out.fill(0, 0, rows * columns);
  for (let row = 0; row < rows; row += 4) {
    const count = Math.min(4, rows - row);
    for (let k = 0; k < inner; k += run) {
      const end = Math.min(inner, k + run);
      if (count === 4) fourRows(sums, a, b, row, k, end, inner, columns);
      else for (let i = 0; i < count; i++) oneRow(sums, i * columns, a, b, row + i, k, end, inner, columns);
      for (let i = 0; i < count * columns; i++) out[row * columns + i] += sums[i];
    }
  }
}

/** One run of four rows. Each b[k,n] is read once for four sums; the order within each sum is that of a single row. */
function fourRows(
  sums: FloatArray,
  a: FloatArray,
  b: FloatArray,
  row: number,
  start: number,
  end: number,
  inner: number,
  columns: number,
): void {
  const single = sums instanceof Float32Array;
  const to1 = columns,
    to2 = 2 * columns,
    to3 = 3 * columns;
  sums.fill(0, 0, 4 * columns);
  for (let k = start; k < end; k++) {
    const at = row * inner + k;
    const w0 = a[at],
      w1 = a[at + inner],
      w2 = a[at + 2 * inner],
      w3 = a[at + 3 * inner];
    const from = k * columns;
    for (let n = 0; n < columns; n++) {
      const value = b[from + n];
      if (single) {
        sums[n] += f32(w0 * value);
        sums[to1 + n] += f32(w1 * value);
        sums[to2 + n] += f32(w2 * value);
        sums[to3 + n] += f32(w3 * value);
      } else {
        sums[n] += w0 * value;
        sums[to1 + n] += w1 * value;
        sums[to2 + n] += w2 * value;
        sums[to3 + n] += w3 * value;
      }
    }
  }
}

function oneRow(
  sums: FloatArray,
  to: number,
  a: FloatArray,
  b: FloatArray,
  row: number,
  start: number,
  end: number,
  inner: number,
  columns: number,
): void {
  const single = sums instanceof Float32Array;
  sums.fill(0, to, to + columns);
  for (let k = start; k < end; k++) {
    const w = a[row * inner + k];
    const from = k * columns;
    for (let n = 0; n < columns; n++) {
      const product = w * b[from + n];
      sums[to + n] += single ? f32(product) : product;
    }
  }
}

/** The transpose [columns, rows] of x [rows, columns]. */
export function transpose(x: FloatArray, rows: number, columns: number): FloatArray {
  const out = x.slice(0, rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = x[r * columns + c];
  return out;
}
