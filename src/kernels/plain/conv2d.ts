/**
 * Convolution as a matrix product.
 *
 *     out [O, pixels] = weight [O, C·kh·kw] · patches [C·kh·kw, pixels]
 *
 * Against definition/conv2d: what lies under the kernel is collected first, a column of C·kh·kw numbers for each output
 * pixel, once for all output channels. The rows of a patch are in the order c, i, j, so the sums are the same.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { runOfChannels } from '../definition/sums.ts';
import type { Padding } from '../kernels.ts';
import { matmul } from './matmul.ts';
import { sliceChannels } from './rearrange.ts';

/** As in definition/conv2d. */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | undefined, stride: number, padding: Padding): Tensor {
  return rounded(unrounded(x, weight, bias, stride, padding));
}

/**
 * As in definition/joined-conv2d, but f16 and bf16 need no copies in f32: the sums are not rounded before they meet.
 */
export function joinedConv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  stride: number,
  padding: Padding,
  seam: number,
): Tensor {
  const channels = x.shape[1];
  const part = (start: number, end: number, offset: Tensor | undefined): Tensor =>
    unrounded(sliceChannels(x, start, end), sliceChannels(weight, start, end), offset, stride, padding);
  const first = part(0, seam, bias);
  const second = part(seam, channels, undefined);
  for (let i = 0; i < first.data.length; i++) first.data[i] += second.data[i];
  return rounded(first);
}

function rounded(x: Tensor): Tensor {
  roundInPlace(x.dtype, x.data);
  return x;
}

/** The convolution in the precision in which it is computed, not yet rounded to what a 16-bit dtype stores. */
function unrounded(x: Tensor, weight: Tensor, bias: Tensor | undefined, stride: number, padding: Padding): Tensor {
  const [batch, channels, height, width] = x.shape;
  const [outChannels, , kernelHeight, kernelWidth] = weight.shape;
  const outHeight = Math.floor((height + padding.top + padding.bottom - kernelHeight) / stride) + 1;
  const outWidth = Math.floor((width + padding.left + padding.right - kernelWidth) / stride) + 1;
  const inner = channels * kernelHeight * kernelWidth;
  const rowsAtOnce = Math.min(outHeight, Math.max(1, Math.floor(patchBudget / (inner * outWidth))));
  const patches = allocate(x.dtype, inner * rowsAtOnce * outWidth);
  const sums = allocate(x.dtype, outChannels * rowsAtOnce * outWidth);
  const out = allocate(x.dtype, batch * outChannels * outHeight * outWidth);

  for (let b = 0; b < batch; b++) {
    const picture: Picture = { channels, height, width, data: sampleOf(x, b) };
    for (let top = 0; top < outHeight; top += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, outHeight - top);
      const columns = rows * outWidth;
      collectPatches(patches, picture, {
        kernelHeight,
        kernelWidth,
        stride,
        padding,
        top,
        rows,
        outWidth,
      });
      matmul(sums, weight.data, patches, outChannels, inner, columns, runOfChannels(kernelHeight, kernelWidth));
      for (let o = 0; o < outChannels; o++) {
        const to = ((b * outChannels + o) * outHeight + top) * outWidth;
        out.set(sums.subarray(o * columns, (o + 1) * columns), to);
        if (bias) for (let n = to; n < to + columns; n++) out[n] += bias.data[o];
      }
    }
  }
  return tensor(x.dtype, [batch, outChannels, outHeight, outWidth], out);
}

/** Patches are collected for so many numbers at a time: few enough to stay in the cache, and memory stays bounded. */
const patchBudget = 1 << 17;

/** A picture [C,H,W]. */
export interface Picture {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: FloatArray;
}

/** The numbers of a sample of a batch, which are not copied. */
export function sampleOf({ shape: [batch], data }: Tensor, sample: number): FloatArray {
  const size = data.length / batch;
  return data.subarray(sample * size, (sample + 1) * size);
}

interface Patches {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly padding: Padding;
  /** The first output row that is meant, and how many. */
  readonly top: number;
  readonly rows: number;
  readonly outWidth: number;
}

/** patches[(c,i,j), (y,x)] = the padded picture at (c, y·stride + i, x·stride + j), for some output rows. */
function collectPatches(patches: FloatArray, { channels, height, width, data }: Picture, wanted: Patches): void {
  const { kernelHeight, kernelWidth, stride, padding, top, rows, outWidth } = wanted;
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < kernelHeight; i++) {
      for (let j = 0; j < kernelWidth; j++) {
        for (let row = 0; row < rows; row++) {
          const y = (top + row) * stride + i - padding.top;
          const inside = y >= 0 && y < height;
          const line = (c * height + y) * width;
          for (let column = 0; column < outWidth; column++) {
            const x = column * stride + j - padding.left;
            patches[at++] = inside && x >= 0 && x < width ? data[line + x] : 0;
          }
        }
      }
    }
  }
}
