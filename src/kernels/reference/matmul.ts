/**
 * The product of two matrices: the one loop in which a network spends its time. Convolution, linear layers and attention
 * all come down to it, so this file defines the bits of all three.
 *
 *     out[m,n] = Σ_k a[m,k] · b[k,n]
 *
 * The sum begins with +0 and takes k in ascending order. In f32 each product is rounded, then each sum: no fused
 * multiply-add. The inner loop runs over contiguous outputs, so whoever computes several n at once adds in the same order.
 */
import type { FloatArray } from '../../tensor/tensor.ts';

const f32 = Math.fround;

/** Writes out [rows, columns] = a [rows, inner] · b [inner, columns]. In single precision if `out` is a Float32Array. */
export function matmul(out: FloatArray, a: FloatArray, b: FloatArray, rows: number, inner: number, columns: number): void {
  out.fill(0, 0, rows * columns);
  let row = 0;
  for (; row + 4 <= rows; row += 4) fourRows(out, a, b, row, inner, columns);
  for (; row < rows; row++) oneRow(out, a, b, row, inner, columns);
}

/** Four rows at once read each b[k,n] once for four sums; the order within each sum is the same. */
function fourRows(out: FloatArray, a: FloatArray, b: FloatArray, row: number, inner: number, columns: number): void {
  const single = out instanceof Float32Array;
  const out0 = row * columns, out1 = out0 + columns, out2 = out1 + columns, out3 = out2 + columns;
  for (let k = 0; k < inner; k++) {
    const at = row * inner + k;
    const w0 = a[at], w1 = a[at + inner], w2 = a[at + 2 * inner], w3 = a[at + 3 * inner];
    const from = k * columns;
    for (let n = 0; n < columns; n++) {
      const value = b[from + n];
      if (single) {
        out[out0 + n] += f32(w0 * value);
        out[out1 + n] += f32(w1 * value);
        out[out2 + n] += f32(w2 * value);
        out[out3 + n] += f32(w3 * value);
      } else {
        out[out0 + n] += w0 * value;
        out[out1 + n] += w1 * value;
        out[out2 + n] += w2 * value;
        out[out3 + n] += w3 * value;
      }
    }
  }
}

function oneRow(out: FloatArray, a: FloatArray, b: FloatArray, row: number, inner: number, columns: number): void {
  const single = out instanceof Float32Array;
  for (let k = 0; k < inner; k++) {
    const w = a[row * inner + k];
    const to = row * columns, from = k * columns;
    for (let n = 0; n < columns; n++) {
      const product = w * b[from + n];
      out[to + n] += single ? f32(product) : product;
    }
  }
}

/** The transpose [columns, rows] of x [rows, columns]. */
export function transpose(x: FloatArray, rows: number, columns: number): FloatArray {
  const out = x.slice(0, rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = x[r * columns + c];
  return out;
}
