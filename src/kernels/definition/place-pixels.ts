/**
 * The pixels of a picture, put apart into another one of zeros.
 *
 *     out[b,c,top + row · stride,left + column · stride] = x[b,c,row,column]
 *
 * It is the way back of looking at every second pixel only: those that nobody has looked at get nothing.
 */
import { allocate, type Tensor } from '../../tensor/tensor.ts';
import { stored } from './rounding.ts';

/**
 * No number changes; each only moves. What would lie outside falls away.
 * @param x [B,C,H,W]
 * @param stride from 1 on: pixels from one to the next
 * @param top where the first row goes; may be negative
 * @param left where the first column goes; may be negative
 * @param height of the result
 * @param width of the result
 * @returns [B,C,height,width]
 */
export function placePixels(
  x: Tensor,
  stride: number,
  top: number,
  left: number,
  height: number,
  width: number,
): Tensor {
  const [B, C, H, W] = x.shape;
  const out = allocate(x.dtype, B * C * height * width);
  for (let bc = 0; bc < B * C; bc++) {
    for (let row = 0; row < H; row++) {
      for (let column = 0; column < W; column++) {
        const h = top + row * stride;
        const w = left + column * stride;
        const inside = h >= 0 && h < height && w >= 0 && w < width;
        if (inside) out[(bc * height + h) * width + w] = x.data[(bc * H + row) * W + column];
      }
    }
  }
  return stored(x.dtype, [B, C, height, width], out);
}
