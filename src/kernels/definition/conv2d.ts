/**
 * Convolution (torch.nn.functional.conv2d): a small kernel of weights slides over the picture; at each place the
 * products of weights and pixels under it are added up, over all channels.
 *
 *     out[b,o,row,column] = Σ_c Σ_i Σ_j weight[o,c,i,j] · x[b,c,h,w]  +  bias[o]
 *     h = row · stride + i − top,   w = column · stride + j − left
 *
 * It is the one layer in which pixels meet their neighbours, and with the same weights everywhere: a convolution does
 * not know where in the picture it is. Only the border of zeros around it tells.
 */
import { allocate, type Tensor } from '../../tensor/tensor.ts';
import type { Padding } from '../kernels.ts';
import { stored } from './rounding.ts';
import { runOfChannels, sumInRuns } from './sums.ts';

/**
 * The products are added over c, then i, then j, in runs of whole channels; the bias comes last.
 * @param x [B,C,H,W]
 * @param weight [O,C,kh,kw]
 * @param bias [O]
 * @param stride in pixels of x, from one output to the next
 * @param padding zeros around x; they are multiplied like any pixel, so an infinite weight makes them NaN
 * @returns [B,O,H′,W′], H′ = ⌊(H + top + bottom − kh) / stride⌋ + 1, W′ likewise
 */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | undefined, stride: number, padding: Padding): Tensor {
  const { top, bottom, left, right } = padding;
  const [B, C, H, W] = x.shape;
  const [O, , kh, kw] = weight.shape;
  const outH = Math.floor((H + top + bottom - kh) / stride) + 1;
  const outW = Math.floor((W + left + right - kw) / stride) + 1;
  const run = runOfChannels(kh, kw);
  const products = allocate(x.dtype, C * kh * kw);
  const out = allocate(x.dtype, B * O * outH * outW);
  for (let b = 0; b < B; b++) {
    for (let o = 0; o < O; o++) {
      for (let row = 0; row < outH; row++) {
        for (let column = 0; column < outW; column++) {
          let t = 0;
          for (let c = 0; c < C; c++) {
            for (let i = 0; i < kh; i++) {
              const h = row * stride + i - top;
              for (let j = 0; j < kw; j++) {
                const w = column * stride + j - left;
                const inside = h >= 0 && h < H && w >= 0 && w < W;
                const pixel = inside ? x.data[((b * C + c) * H + h) * W + w] : 0;
                products[t++] = weight.data[((o * C + c) * kh + i) * kw + j] * pixel;
              }
            }
          }
          const sum = sumInRuns(products, run);
          out[((b * O + o) * outH + row) * outW + column] = bias ? sum + bias.data[o] : sum;
        }
      }
    }
  }
  return stored(x.dtype, [B, O, outH, outW], out);
}
