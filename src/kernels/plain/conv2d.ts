/**
 * Convolution (torch.nn.functional.conv2d): how a pixel hears of its neighbours.
 *
 *     out[b,o,y,x] = Σ_{c,i,j} weight[o,c,i,j] · padded[b, c, y·stride + i, x·stride + j]  + bias[o]
 *
 * It is a matrix product: weights [O, C·kh·kw] times the patches [C·kh·kw, pixels] under the kernel at each output
 * pixel. So the sum runs over c, then i, then j, in the runs of matmul.ts, each of which takes whole channels: as many
 * as give it 64 terms or just more (8 channels of a 3 × 3 kernel, 64 of a 1 × 1). The padding takes part with its
 * zeros; the bias is added last.
 *
 * Where the picture is two, joined at channel `seam`, so is its convolution: the sum over the first picture, plus bias,
 * plus the sum over the second,
 *
 *     out = (Σ_{c < seam} … + bias) + Σ_{c ≥ seam} …
 *
 * so that the second sum is a value of its own, which need not be computed again for another first picture.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import type { Padding } from '../kernels.ts';
import { commonDType, dimensions, expect, expectShape } from './checks.ts';
import { matmul, runLength } from './matmul.ts';
import { sliceChannels } from './rearrange.ts';

/** Patches are collected for so many numbers at a time: few enough to stay in the cache, and memory stays bounded. */
const patchBudget = 1 << 17;

export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  stride: number,
  padding: Padding,
  seam?: number,
): Tensor {
  const dtype = commonDType('conv2d', x, weight, bias);
  const [batch, channels, height, width] = dimensions('conv2d', x, 'B,C,H,W');
  const [outChannels, weightChannels, kernelHeight, kernelWidth] = dimensions('conv2d', weight, 'O,C,kh,kw');
  expect(
    'conv2d',
    weightChannels === channels,
    `the weight is for ${weightChannels} channels, but the picture has ${channels}`,
  );
  if (bias) expectShape('conv2d', 'the bias', bias, [outChannels]);
  expect(
    'conv2d',
    Number.isInteger(stride) && stride >= 1,
    `the stride must be a whole number from 1 on, but is ${stride}`,
  );
  expect(
    'conv2d',
    seam === undefined || (Number.isInteger(seam) && seam > 0 && seam < channels),
    `a seam at ${seam} does not part ${channels} channels in two`,
  );
  const borders = [padding.top, padding.bottom, padding.left, padding.right];
  expect(
    'conv2d',
    borders.every((pixels) => Number.isInteger(pixels) && pixels >= 0),
    `the padding must be whole numbers from 0 on, but is ${borders.join(', ')}`,
  );
  const outHeight = Math.floor((height + padding.top + padding.bottom - kernelHeight) / stride) + 1;
  const outWidth = Math.floor((width + padding.left + padding.right - kernelWidth) / stride) + 1;
  expect(
    'conv2d',
    outHeight >= 1 && outWidth >= 1,
    `a picture of ${height} × ${width} with its padding is smaller than the kernel`,
  );

  const weights =
    seam === undefined ? [weight] : [sliceChannels(weight, 0, seam), sliceChannels(weight, seam, channels)];
  const run = Math.ceil(runLength / (kernelHeight * kernelWidth)) * kernelHeight * kernelWidth;
  const inner = channels * kernelHeight * kernelWidth;
  const pixels = outHeight * outWidth;
  const rowsAtOnce = Math.min(outHeight, Math.max(1, Math.floor(patchBudget / (inner * outWidth))));
  const patches = allocate(dtype, inner * rowsAtOnce * outWidth);
  const sums = allocate(dtype, outChannels * rowsAtOnce * outWidth);
  const out = allocate(dtype, batch * outChannels * pixels);

  for (let b = 0; b < batch; b++) {
    const picture = x.data.subarray(b * channels * height * width, (b + 1) * channels * height * width);
    for (let top = 0; top < outHeight; top += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, outHeight - top);
      const columns = rows * outWidth;
      collectPatches(
        patches,
        picture,
        [channels, height, width],
        [kernelHeight, kernelWidth],
        stride,
        padding,
        top,
        rows,
        outWidth,
      );
      let summed = 0;
      for (const part of weights) {
        const terms = part.data.length / outChannels;
        matmul(sums, part.data, patches.subarray(summed * columns), outChannels, terms, columns, run);
        for (let o = 0; o < outChannels; o++) {
          const to = (b * outChannels + o) * pixels + top * outWidth;
          const from = o * columns;
          if (summed > 0) for (let n = 0; n < columns; n++) out[to + n] += sums[from + n];
          else if (bias) for (let n = 0; n < columns; n++) out[to + n] = sums[from + n] + bias.data[o];
          else out.set(sums.subarray(from, from + columns), to);
        }
        summed += terms;
      }
    }
  }
  roundInPlace(dtype, out);
  return tensor(dtype, [batch, outChannels, outHeight, outWidth], out);
}

/**
 * patches[(c,i,j), (y,x)] = the padded picture at (c, y·stride + i, x·stride + j), for `rows` output rows from `top`
 * on.
 */
function collectPatches(
  patches: FloatArray,
  picture: FloatArray,
  [channels, height, width]: readonly [number, number, number],
  [kernelHeight, kernelWidth]: readonly [number, number],
  stride: number,
  padding: Padding,
  top: number,
  rows: number,
  outWidth: number,
): void {
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
            patches[at++] = inside && x >= 0 && x < width ? picture[line + x] : 0;
          }
        }
      }
    }
  }
}
