/**
 * Twice the picture, or any size of it (torch.nn.functional.interpolate, mode nearest), and half of it
 * (torch.nn.functional.avg_pool2d, 2).
 *
 *     twice  out[b,c,row,column] = x[b,c,⌊row/2⌋,⌊column/2⌋]
 *     any    out[b,c,row,column] = x[b,c,⌊row·H/height⌋,⌊column·W/width⌋]
 *     half   out[b,c,row,column] = (x[b,c,2row,2column] + x[b,c,2row,2column+1]
 *                                 + x[b,c,2row+1,2column] + x[b,c,2row+1,2column+1]) / 4
 *
 * They change how many pixels there are, without a weight. Half of what was doubled is the picture again.
 */
import { allocate, type Tensor } from '../../tensor/tensor.ts';
import { rounding, stored } from './rounding.ts';

/**
 * Each pixel four times.
 * @param x [B,C,H,W]
 * @returns [B,C,2H,2W]
 */
export function upsampleNearest2x(x: Tensor): Tensor {
  const [B, C, H, W] = x.shape;
  const out = allocate(x.dtype, B * C * 2 * H * 2 * W);
  for (let bc = 0; bc < B * C; bc++) {
    for (let row = 0; row < 2 * H; row++) {
      for (let column = 0; column < 2 * W; column++) {
        const h = Math.floor(row / 2);
        const w = Math.floor(column / 2);
        out[(bc * 2 * H + row) * 2 * W + column] = x.data[(bc * H + h) * W + w];
      }
    }
  }
  return stored(x.dtype, [B, C, 2 * H, 2 * W], out);
}

/**
 * The nearest pixel of the picture, up and to the left. (PyTorch computes the place in floating point, and may miss it
 * by one where it is a whole number; not where a picture becomes twice as large, or one row less than that.)
 * @param x [B,C,H,W], of at least one pixel
 * @param height from 1 on
 * @param width from 1 on
 * @returns [B,C,height,width]
 */
export function resizeNearest(x: Tensor, height: number, width: number): Tensor {
  const [B, C, H, W] = x.shape;
  const out = allocate(x.dtype, B * C * height * width);
  for (let bc = 0; bc < B * C; bc++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const h = Math.floor((row * H) / height);
        const w = Math.floor((column * W) / width);
        out[(bc * height + row) * width + column] = x.data[(bc * H + h) * W + w];
      }
    }
  }
  return stored(x.dtype, [B, C, height, width], out);
}

/**
 * The mean of 2 × 2 pixels, added in the order in which they are read; the last row and column of an odd picture fall
 * away.
 * @param x [B,C,H,W]
 * @returns [B,C,⌊H/2⌋,⌊W/2⌋]
 */
export function averagePool2x(x: Tensor): Tensor {
  const [B, C, H, W] = x.shape;
  const [outH, outW] = [Math.floor(H / 2), Math.floor(W / 2)];
  const round = rounding(x.dtype);
  const out = allocate(x.dtype, B * C * outH * outW);
  for (let bc = 0; bc < B * C; bc++) {
    for (let row = 0; row < outH; row++) {
      for (let column = 0; column < outW; column++) {
        const upper = (bc * H + 2 * row) * W + 2 * column;
        const lower = upper + W;
        const two = round(x.data[upper] + x.data[upper + 1]);
        const three = round(two + x.data[lower]);
        const four = round(three + x.data[lower + 1]);
        out[(bc * outH + row) * outW + column] = four * 0.25;
      }
    }
  }
  return stored(x.dtype, [B, C, outH, outW], out);
}
