/**
 * The gradient of a convolution's weight as a matrix product.
 *
 *     out [O, C·kh·kw] = Σ over samples: gradient [O, pixels] · patches [pixels, C·kh·kw]
 *
 * Against definition/conv2d-weight-gradient: what lies under the kernel is collected first, a row for each output
 * pixel, once for all output channels; and only as many rows at a time as a run of the sums has terms.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { runOfRows } from '../definition/sums.ts';
import { winogradWeightGradient } from '../definition/winograd-weight-gradient.ts';
import type { Padding, WinogradWidth } from '../kernels.ts';
import { matmul } from './matmul.ts';

/** As in definition/conv2d-weight-gradient. */
export function conv2dWeightGradient(
  x: Tensor,
  gradient: Tensor,
  kernelHeight: number,
  kernelWidth: number,
  stride: number,
  padding: Padding,
  tileWidth?: WinogradWidth,
): Tensor {
  if (tileWidth !== undefined) return winogradWeightGradient(x, gradient, tileWidth, padding, conv2dWeightGradient);
  const { dtype } = x;
  const [batch, outChannels, outHeight, outWidth] = gradient.shape;
  const shape = [outChannels, x.shape[1], kernelHeight, kernelWidth];
  const terms = x.shape[1] * kernelHeight * kernelWidth;
  const pixels = outHeight * outWidth;
  const run = Math.min(pixels, runOfRows(outWidth));
  const patches = allocate(dtype, run * terms);
  const columns = allocate(dtype, outChannels * run);
  const [sums, ofSample, out] = [0, 1, 2].map(() => allocate(dtype, outChannels * terms));
  for (let sample = 0; sample < batch; sample++) {
    ofSample.fill(0);
    for (let first = 0; first < pixels; first += run) {
      const part = { sample, first, count: Math.min(run, pixels - first) };
      collectPatches(patches, x, { kernelHeight, kernelWidth, stride, padding, outWidth, ...part });
      collectGradients(columns, gradient, part);
      matmul(sums, columns, patches, outChannels, part.count, terms, part.count);
      addTo(ofSample, sums);
    }
    addTo(out, ofSample);
  }
  roundInPlace(dtype, out);
  return tensor(dtype, shape, out);
}

/** Some output pixels of a sample. */
interface Part {
  readonly sample: number;
  /** The first of them, and how many. */
  readonly first: number;
  readonly count: number;
}

interface Patches extends Part {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly padding: Padding;
  readonly outWidth: number;
}

/** patches[pixel, (c,i,j)] = the padded picture at (c, row·stride + i, column·stride + j), for some output pixels. */
function collectPatches(patches: FloatArray, { shape, data }: Tensor, wanted: Patches): void {
  const { kernelHeight, kernelWidth, stride, padding, outWidth, sample, first, count } = wanted;
  const [, channels, height, width] = shape;
  let at = 0;
  for (let pixel = first; pixel < first + count; pixel++) {
    const top = Math.floor(pixel / outWidth) * stride - padding.top;
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
function collectGradients(columns: FloatArray, { shape, data }: Tensor, { sample, first, count }: Part): void {
  const [, channels, height, width] = shape;
  for (let o = 0; o < channels; o++) {
    const from = (sample * channels + o) * height * width + first;
    for (let i = 0; i < count; i++) columns[o * count + i] = data[from + i];
  }
}

/** sums += more, number by number. */
function addTo(sums: FloatArray, more: FloatArray): void {
  for (let i = 0; i < sums.length; i++) sums[i] += more[i];
}
