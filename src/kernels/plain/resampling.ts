/**
 * Twice the picture, any size of it, and half of it.
 *
 * Against definition/resampling: twice reads each pixel once, and copies whole rows; any size computes once for a row
 * which of its pixels are taken; half lets the array round.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type Tensor } from '../../tensor/tensor.ts';

/** out[y,x] = in[⌊y/2⌋, ⌊x/2⌋]. */
export function upsampleNearest2x(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  const out = allocate(x.dtype, 4 * x.data.length);
  for (let row = 0; row < batch * channels * height; row++) {
    const from = row * width;
    const to = row * 4 * width;
    for (let i = 0; i < width; i++) out[to + 2 * i] = out[to + 2 * i + 1] = x.data[from + i];
    out.copyWithin(to + 2 * width, to, to + 2 * width);
  }
  return tensor(x.dtype, [batch, channels, 2 * height, 2 * width], out);
}

/** out[y,x] = in[⌊y·H/height⌋, ⌊x·W/width⌋]. */
export function resizeNearest(x: Tensor, height: number, width: number): Tensor {
  const [batch, channels, fromHeight, fromWidth] = x.shape;
  const out = allocate(x.dtype, batch * channels * height * width);
  const columns = Array.from({ length: width }, (_, i) => Math.floor((i * fromWidth) / width));
  let at = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < height; y++) {
      const row = (plane * fromHeight + Math.floor((y * fromHeight) / height)) * fromWidth;
      for (const column of columns) out[at++] = x.data[row + column];
    }
  }
  return tensor(x.dtype, [batch, channels, height, width], out);
}

/** out[y,x] = (in[2y,2x] + in[2y,2x+1] + in[2y+1,2x] + in[2y+1,2x+1]) / 4, added in this order, each sum rounded. */
export function averagePool2x(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  const outHeight = Math.floor(height / 2);
  const outWidth = Math.floor(width / 2);
  const out = allocate(x.dtype, batch * channels * outHeight * outWidth);
  let at = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < outHeight; y++) {
      const upper = (plane * height + 2 * y) * width;
      const lower = upper + width;
      for (let i = 0; i < outWidth; i++, at++) {
        // Stored after each addition: the array rounds.
        out[at] = x.data[upper + 2 * i] + x.data[upper + 2 * i + 1];
        out[at] += x.data[lower + 2 * i];
        out[at] += x.data[lower + 2 * i + 1];
        out[at] *= 0.25;
      }
    }
  }
  roundInPlace(x.dtype, out);
  return tensor(x.dtype, [batch, channels, outHeight, outWidth], out);
}
