/**
 * Halving and doubling by a filter of four taps, [1, 3, 3, 1], along rows and columns (Karras et al. 2020, arXiv
 * 1912.04958; diffusers' `FirDownsample2D`, `FirUpsample2D`). Beyond its border the picture is 0.
 */
import type { Kernels } from '../kernels/kernels.ts';
import { extentOf, type Tensor } from '../tensor/tensor.ts';
import { constantOf } from './attention-perturbations/constants.ts';

/** How much of pixel `from` is in pixel `to`. */
type Taps = (to: number, from: number) => number;

/** y[i] = (x[2i − 1] + 3 x[2i] + 3 x[2i + 1] + x[2i + 2])/8. */
const halving = matrixOf((to, from) => [1, 3, 3, 1][from - 2 * to + 1] ?? 0, 8);
/** y[2i] = (x[i − 1] + 3 x[i])/4, y[2i + 1] = (3 x[i] + x[i + 1])/4. */
const doubling = matrixOf((to, from) => (to % 2 === 0 ? [1, 3] : [0, 3, 1])[from - Math.floor(to / 2) + 1] ?? 0, 4);

/** Half as large: [B,C,H,W] → [B,C,H/2,W/2], H and W even. */
export function firDown(kernels: Kernels, x: Tensor): Tensor {
  return alongBoth(kernels, x, (size) => halving([size / 2, size], x.dtype));
}

/** Twice as large: [B,C,H,W] → [B,C,2H,2W]. */
export function firUp(kernels: Kernels, x: Tensor): Tensor {
  return alongBoth(kernels, x, (size) => doubling([2 * size, size], x.dtype));
}

function matrixOf(taps: Taps, divisor: number) {
  return constantOf(([rows, columns]: readonly [rows: number, columns: number]) =>
    Float64Array.from({ length: rows * columns }, (_, i) => taps(Math.floor(i / columns), i % columns) / divisor),
  );
}

/** Every row, then every column, times the matrix [size', size] of its size. */
function alongBoth(kernels: Kernels, x: Tensor, matrixFor: (size: number) => Tensor): Tensor {
  const [channels, height, width] = [1, 2, 3].map((axis) => extentOf(x, axis)) as [number, number, number];
  const [ofRows, ofColumns] = [matrixFor(width), matrixFor(height)];
  const rows = kernels.linear(kernels.reshape(x, [channels * height, width]), ofRows, undefined);
  // What is last is what `linear` sums over: now the columns.
  const turned = kernels.fromTokens(rows, channels, height);
  const both = kernels.toTokens(kernels.linear(turned, ofColumns, undefined));
  return kernels.reshape(both, [channels, extentOf(ofColumns, 0), extentOf(ofRows, 0)]);
}
