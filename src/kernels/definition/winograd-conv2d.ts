/**
 * Convolution by a kernel of 3 × 3 with fewer products (Lavin and Gray 2016, arXiv:1509.09308): the picture is cut into
 * tiles of 2 × `width` outputs, and each tile is made of 4 × (width + 2) sums over the channels.
 *
 *     out[b,o] of a tile = Aᵀ ( Σ_c (G weight[o,c] Gᵀ) ⊙ (Bᵀ x[b,c] B) ) A  +  bias[o]
 *
 * x[b,c] is here the 4 × (width + 2) pixels under the tile; the matrices of rows (on the left) are those of F(2, 3), of
 * columns (on the right) those of F(width, 3). In exact numbers that is `conv2d` with a stride of 1; with rounding it
 * is a definition of its own: 4 products an output of F(2×2, 3×3), 3 of F(2×4, 3×3), where that has 9.
 *
 * F(4×4, 3×3) is not among them. Of pictures and weights drawn from a normal distribution it errs by 1.2e-6 (rms,
 * relative), more than the rule of test/agreement.ts allows (9.2e-7; PyTorch's own f32 errs by 2.2e-7); F(2×4) by
 * 5.6e-7, F(2×2) by 2.7e-7.
 */
import { allocate, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import type { Padding, WinogradWidth } from '../kernels.ts';
import { rounding, stored } from './rounding.ts';
import { sumInRuns } from './sums.ts';
import { transformed2d, winogradTransforms } from './winograd.ts';

/**
 * The order: pixels of a tile are transformed columns first, then rows (`winograd.ts`), each step rounded; the products
 * of each of its 4 × (width + 2) places are added over c, in runs; the sums are transformed columns first, then rows;
 * the bias comes last. Weights are transformed in double precision and rounded once.
 * @param x [B,C,H,W]
 * @param weight [O,C,3,3]
 * @param bias [O]
 * @param width of a tile: 2 or 4 outputs
 * @param padding zeros around x; the last tiles reach beyond them, and find zeros there, too
 * @returns [B,O,H′,W′], H′ = H + top + bottom − 2, W′ likewise
 */
export function winogradConv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  width: WinogradWidth,
  { top, bottom, left, right }: Padding,
): Tensor {
  const [B, C, H, W] = x.shape;
  const [O] = weight.shape;
  const outH = H + top + bottom - 2;
  const outW = W + left + right - 2;
  const places = 4 * (width + 2);
  const round = rounding(x.dtype);
  const [rows, columns] = [winogradTransforms[2], winogradTransforms[width]];
  const weights = winogradWeights(weight, width);
  const under = allocate(x.dtype, places);
  const products = allocate(x.dtype, C);
  const out = allocate(x.dtype, B * O * outH * outW);
  for (let b = 0; b < B; b++) {
    for (let row = 0; row < outH; row += 2) {
      for (let column = 0; column < outW; column += width) {
        const pixels: number[][] = [];
        for (let c = 0; c < C; c++) {
          for (let i = 0; i < 4; i++) {
            for (let j = 0; j < width + 2; j++) {
              const h = row + i - top;
              const w = column + j - left;
              const inside = h >= 0 && h < H && w >= 0 && w < W;
              under[i * (width + 2) + j] = inside ? x.data[((b * C + c) * H + h) * W + w] : 0;
            }
          }
          pixels.push(transformed2d(rows.input, columns.input, under, round));
        }
        for (let o = 0; o < O; o++) {
          const sums: number[] = [];
          for (let place = 0; place < places; place++) {
            for (let c = 0; c < C; c++) products[c] = weights[(o * C + c) * places + place] * pixels[c][place];
            sums.push(sumInRuns(products));
          }
          const tile = transformed2d(rows.output, columns.output, sums, round);
          for (let i = 0; i < Math.min(2, outH - row); i++) {
            for (let j = 0; j < Math.min(width, outW - column); j++) {
              const sum = tile[i * width + j];
              out[((b * O + o) * outH + row + i) * outW + column + j] = bias ? sum + bias.data[o] : sum;
            }
          }
        }
      }
    }
  }
  return stored(x.dtype, [B, O, outH, outW], out);
}

/**
 * G weight Gᵀ of each kernel: [O,C,4,width + 2]. The sums are no values of the model but part of one convolution, so
 * f16 and bf16 do not round them.
 */
function winogradWeights({ dtype, shape: [O, C], data }: Tensor, width: WinogradWidth): FloatArray {
  const places = 4 * (width + 2);
  const [rows, columns] = [winogradTransforms[2], winogradTransforms[width]];
  const out = allocate(dtype, O * C * places);
  for (let oc = 0; oc < O * C; oc++) {
    const kernel = data.subarray(9 * oc, 9 * oc + 9);
    out.set(
      transformed2d(rows.weight, columns.weight, kernel, (exact) => exact),
      oc * places,
    );
  }
  return out;
}
