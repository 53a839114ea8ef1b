/**
 * The gradient of a convolution's weight as a matrix product.
 *
 *     out [O, C·kh·kw] = gradient [O, B·pixels] · patches [B·pixels, C·kh·kw]
 *
 * Against definition/conv2d-weight-gradient: what lies under the kernel is collected first, a row for each output
 * pixel, once for all output channels; and only as many rows at a time as a run of the sums has terms.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { runLength } from '../definition/sums.ts';
import type { Padding } from '../kernels.ts';
import { matmul } from './matmul.ts';

/** As in definition/conv2d-weight-gradient. */
export function conv2dWeightGradient(
  x: Tensor,
  gradient: Tensor,
  kernelHeight: number,
  kernelWidth: number,
  stride: number,
  padding: Padding,
): Tensor {
  const { dtype } = x;
  const [batch, outChannels, outHeight, outWidth] = gradient.shape;
  const shape = [outChannels, x.shape[1], kernelHeight, kernelWidth];
  const terms = x.shape[1] * kernelHeight * kernelWidth;
  const pixels = batch * outHeight * outWidth;
  const patches = allocate(dtype, runLength * terms);
  const columns = allocate(dtype, outChannels * runLength);
  const sums = allocate(dtype, outChannels * terms);
  const out = allocate(dtype, outChannels * terms);
  for (let first = 0; first < pixels; first += runLength) {
    const count = Math.min(runLength, pixels - first);
    collectPatches(patches, x, { kernelHeight, kernelWidth, stride, padding, outHeight, outWidth, first, count });
    collectGradients(columns, gradient, first, count);
    matmul(sums, columns, patches, outChannels, count, terms);
    for (let i = 0; i < out.length; i++) out[i] += sums[i];
  }
  roundInPlace(dtype, out);
  return tensor(dtype, shape, out);
}

interface Patches {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly padding: Padding;
  readonly outHeight: number;
  readonly outWidth: number;
  /** The first output pixel that is meant, counted through all samples, and how many. */
  readonly first: number;
  readonly count: number;
}

/** patches[pixel, (c,i,j)] = the padded picture at (c, row·stride + i, column·stride + j), for some output pixels. */
function collectPatches(patches: FloatArray, { shape, data }: Tensor, wanted: Patches): void {
  const { kernelHeight, kernelWidth, stride, padding, outHeight, outWidth, first, count } = wanted;
  const [, channels, height, width] = shape;
  let at = 0;
  for (let pixel = first; pixel < first + count; pixel++) {
    const sample = Math.floor(pixel / (outHeight * outWidth));
    const top = (Math.floor(pixel / outWidth) % outHeight) * stride - padding.top;
    const left = (pixel % outWidth) * stride - padding.left;
    for (let c = 0; c < channels; c++) {
      for (let y = top; y < top + kernelHeight; y++) {
        const line = ((sample * channels + c) * height + y) * width;
        const inside = y >= 0 && y < height;
        for (let column = left; column < left + kernelWidth; column++)
          patches[at++] = inside && column >= 0 && column < width ? data[line + column] : 0;
      }
    }
  }
}

/** columns[o, pixel] = the gradient of output channel o, for some output pixels. */
function collectGradients(columns: FloatArray, { shape, data }: Tensor, first: number, count: number): void {
  const [, channels, height, width] = shape;
  const area = height * width;
  for (let o = 0; o < channels; o++) {
    for (let i = 0; i < count; i++) {
      const sample = Math.floor((first + i) / area);
      columns[o * count + i] = data[(sample * channels + o) * area + first + i - sample * area];
    }
  }
}
