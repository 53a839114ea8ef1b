/**
 * The gradient of a convolution's weight. In out = conv2d(x, weight) each weight meets a pixel of x at every place of
 * every picture; what it adds to the loss is added up over all of them:
 *
 *     ∂L/∂weight[o,c,i,j] = Σ_b Σ_row Σ_column gradient[b,o,row,column] · x[b,c,h,w]
 *     h = row · stride + i − top,   w = column · stride + j − left
 *
 * with gradient = ∂L/∂out. It is a convolution, too, with the gradient for a kernel, but its sums run over the batch.
 */
import { allocate, type Tensor } from '../../tensor/tensor.ts';
import type { Padding, WinogradWidth } from '../kernels.ts';
import { rounding, stored } from './rounding.ts';
import { runOfRows, sumInRuns } from './sums.ts';
import { winogradWeightGradient } from './winograd-weight-gradient.ts';

/**
 * The products of a sample are added over row, then column, in runs of whole rows; then sample after sample.
 * @param x [B,C,H,W], what the convolution was given
 * @param gradient [B,O,H′,W′], of its result
 * @param kernelHeight kh of the weight
 * @param kernelWidth kw of it
 * @param stride of the convolution, in pixels
 * @param padding of the convolution: zeros around x, multiplied like any pixel
 * @param tileWidth of a convolution by 3 × 3 with a stride of 1, if it is to be that of winograd-weight-gradient
 * @returns [O,C,kh,kw]
 */
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
  const { top, left } = padding;
  const [B, C, H, W] = x.shape;
  const [, O, outH, outW] = gradient.shape;
  const round = rounding(x.dtype);
  const run = runOfRows(outW);
  const products = allocate(x.dtype, outH * outW);
  const out = allocate(x.dtype, O * C * kernelHeight * kernelWidth);
  for (let o = 0; o < O; o++) {
    for (let c = 0; c < C; c++) {
      for (let i = 0; i < kernelHeight; i++) {
        for (let j = 0; j < kernelWidth; j++) {
          let total = 0;
          for (let b = 0; b < B; b++) {
            let t = 0;
            for (let row = 0; row < outH; row++) {
              const h = row * stride + i - top;
              for (let column = 0; column < outW; column++) {
                const w = column * stride + j - left;
                const inside = h >= 0 && h < H && w >= 0 && w < W;
                const pixel = inside ? x.data[((b * C + c) * H + h) * W + w] : 0;
                products[t++] = gradient.data[((b * O + o) * outH + row) * outW + column] * pixel;
              }
            }
            total = round(total + sumInRuns(products, run));
          }
          out[((o * C + c) * kernelHeight + i) * kernelWidth + j] = total;
        }
      }
    }
  }
  return stored(x.dtype, [O, C, kernelHeight, kernelWidth], out);
}
