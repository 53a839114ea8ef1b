/**
 * Sums, and numbers that are spread, as linear layers with weights of 1. What was spread forward is added up on the way
 * back, and the other way round.
 */
import { sizeOf, tensor, zeros, type Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../kernels.ts';

/** Ones, in the precision of another tensor. */
export function onesLike({ dtype }: Tensor, shape: readonly number[]): Tensor {
  return tensor(dtype, shape, zeros(dtype, shape).data.fill(1));
}

/** Zeros, in the precision of another tensor. */
export function zerosLike({ dtype }: Tensor, shape: readonly number[]): Tensor {
  return zeros(dtype, shape);
}

/** −x. */
export function negative(kernels: Kernels, x: Tensor): Tensor {
  return kernels.affine(x, -1, 0);
}

/** Σ over the pixels: x [B,C,…] → [B,C]. */
export function sumOverPixels(kernels: Kernels, x: Tensor): Tensor {
  const [, channels, ...picture] = x.shape;
  if (picture.length === 0) return x;
  const rows = kernels.reshape(x, [channels, sizeOf(picture)]);
  return kernels.reshape(kernels.linear(rows, onesLike(x, [1, sizeOf(picture)]), undefined), [channels]);
}

/** Σ over the rows: x [… ,C] → [C]. */
export function sumOverRows(kernels: Kernels, x: Tensor): Tensor {
  if (x.shape.length === 1) return x;
  if (x.shape.length > 2) return sumOverRows(kernels, sumOverPixels(kernels, rowsAsPixels(kernels, x)));
  const [rows] = x.shape;
  const columns = kernels.transposeWeight(x);
  return kernels.reshape(kernels.linear(columns, onesLike(x, [1, rows]), undefined), []);
}

/** Σ over samples and pixels: x [B,C,…] → [C]. */
export function sumOverSamples(kernels: Kernels, x: Tensor): Tensor {
  return sumOverRows(kernels, sumOverPixels(kernels, x));
}

/** Σ of all numbers: x [B,…] → [1]. */
export function sumOverAll(kernels: Kernels, x: Tensor): Tensor {
  const [, ...sample] = x.shape;
  return sumOverSamples(kernels, kernels.reshape(x, [1, sizeOf(sample)]));
}

/** x [C] in each of the rows: [… ,C], `rows` being the shape before C. */
export function spreadOverRows(kernels: Kernels, x: Tensor, rows: readonly number[]): Tensor {
  return kernels.linear(onesLike(x, [...rows, 1]), kernels.reshape(x, [1]), undefined);
}

/** Rows [… ,C] as pictures of one pixel for each row of a sample: [B,C,N,1]. */
export function rowsAsPixels(kernels: Kernels, x: Tensor): Tensor {
  const [batch, ...others] = x.shape;
  if (others.length === 0) return rowsAsPixels(kernels, asRow(kernels, x));
  const channels = others[others.length - 1];
  const rows = sizeOf(others.slice(0, -1));
  if (batch === 0 || others.length === 1) return kernels.reshape(x, [channels, rows, 1]);
  return kernels.fromTokens(kernels.reshape(x, [rows, channels]), rows, 1);
}

/** x [C] as the only row: [1,C]. */
export function asRow(kernels: Kernels, x: Tensor): Tensor {
  return kernels.transposeWeight(kernels.reshape(x, [1]));
}

/** The only row of x [1,C]: [C]. */
export function onlyRow(kernels: Kernels, x: Tensor): Tensor {
  return kernels.reshape(kernels.transposeWeight(x), []);
}
