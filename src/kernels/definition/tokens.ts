/**
 * The two layouts of a picture: as planes, channel by channel, and as tokens, pixel by pixel (in diffusers a reshape
 * and a transpose around each attention).
 *
 *     tokens[b,h·W + w,c] = picture[b,c,h,w]
 *
 * No number changes; each only moves. Convolutions read planes, attention reads tokens.
 */
import { allocate, type Tensor } from '../../tensor/tensor.ts';
import { stored } from './rounding.ts';

/**
 * @param x [B,C,H,W]
 * @returns [B,H·W,C]
 */
export function toTokens(x: Tensor): Tensor {
  const [B, C, H, W] = x.shape;
  const out = allocate(x.dtype, x.data.length);
  for (let b = 0; b < B; b++) {
    for (let n = 0; n < H * W; n++) {
      for (let c = 0; c < C; c++) out[(b * H * W + n) * C + c] = x.data[(b * C + c) * H * W + n];
    }
  }
  return stored(x.dtype, [B, H * W, C], out);
}

/**
 * @param x [B,H·W,C]
 * @param height H
 * @param width W
 * @returns [B,C,H,W]
 */
export function fromTokens(x: Tensor, height: number, width: number): Tensor {
  const [B, N, C] = x.shape;
  const out = allocate(x.dtype, x.data.length);
  for (let b = 0; b < B; b++) {
    for (let c = 0; c < C; c++) {
      for (let n = 0; n < N; n++) out[(b * C + c) * N + n] = x.data[(b * N + n) * C + c];
    }
  }
  return stored(x.dtype, [B, C, height, width], out);
}
