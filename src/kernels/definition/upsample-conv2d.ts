/**
 * The convolution that follows doubling a picture (diffusers' Upsample2D):
 *
 *     out = conv2d(upsampleNearest2x(x), weight, bias, 1, { top: 1, bottom: 1, left: 1, right: 1 })
 *
 * It is the one operation that adds weights before it uses them. Under its kernel of 3 × 3 lie copies of only 2 × 2
 * pixels of x, and weights that meet copies of one pixel are added up first. Which these are depends on whether the
 * output's row is even (p = 0) or odd (p = 1), and its column (q) likewise:
 *
 *     out[b,o,row,column] = Σ_c Σ_i Σ_j met[o,c,p,q,i,j] · x[b,c,h,w]  +  bias[o],   i and j from 0 to 1
 *     h = ⌊row / 2⌋ + i − 1 + p,   w = ⌊column / 2⌋ + j − 1 + q
 *
 * In exact numbers that is the convolution of the doubled picture; with rounding it is a definition of its own, with
 * four products where that has nine.
 */
import { allocate, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { rounding, stored } from './rounding.ts';
import { runOfChannels, sumInRuns } from './sums.ts';

/** meets[p][i]: the rows of the kernel that meet the upper (i = 0) or lower (i = 1) of two pixels; columns alike. */
const meets = [
  [[0], [1, 2]],
  [[0, 1], [2]],
] as const;

/**
 * The products are added over c, then i, then j, in runs of whole channels; the bias comes last.
 * @param x [B,C,H,W]
 * @param weight [O,C,3,3]
 * @param bias [O]
 * @returns [B,O,2H,2W]
 */
export function upsampleConv2d(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const [B, C, H, W] = x.shape;
  const [O] = weight.shape;
  const met = metWeights(weight);
  const run = runOfChannels(2, 2);
  const products = allocate(x.dtype, C * 2 * 2);
  const out = allocate(x.dtype, B * O * 2 * H * 2 * W);
  for (let b = 0; b < B; b++) {
    for (let o = 0; o < O; o++) {
      for (let row = 0; row < 2 * H; row++) {
        for (let column = 0; column < 2 * W; column++) {
          const p = row % 2;
          const q = column % 2;
          let t = 0;
          for (let c = 0; c < C; c++) {
            for (let i = 0; i < 2; i++) {
              const h = Math.floor(row / 2) + i - 1 + p;
              for (let j = 0; j < 2; j++) {
                const w = Math.floor(column / 2) + j - 1 + q;
                const inside = h >= 0 && h < H && w >= 0 && w < W;
                const pixel = inside ? x.data[((b * C + c) * H + h) * W + w] : 0;
                products[t++] = met[((((o * C + c) * 2 + p) * 2 + q) * 2 + i) * 2 + j] * pixel;
              }
            }
          }
          const sum = sumInRuns(products, run);
          out[((b * O + o) * 2 * H + row) * 2 * W + column] = bias ? sum + bias.data[o] : sum;
        }
      }
    }
  }
  return stored(x.dtype, [B, O, 2 * H, 2 * W], out);
}

/**
 * The weights [O,C,p,q,i,j] that meet each of the 2 × 2 pixels: those of a column are added first, from above; then the
 * columns, from the left. The sums are no values of the model but part of one convolution, so f16 and bf16 do not round
 * them.
 */
function metWeights({ dtype, shape: [O, C], data }: Tensor): FloatArray {
  const round = rounding(dtype);
  const out = allocate(dtype, O * C * 16);
  let at = 0;
  for (let oc = 0; oc < O * C; oc++) {
    for (let p = 0; p < 2; p++) {
      for (let q = 0; q < 2; q++) {
        for (let i = 0; i < 2; i++) {
          for (let j = 0; j < 2; j++) {
            let sum = 0;
            for (const column of meets[q][j]) {
              let below = 0;
              for (const row of meets[p][i]) below = round(below + data[(oc * 3 + row) * 3 + column]);
              sum = round(sum + below);
            }
            out[at++] = sum;
          }
        }
      }
    }
  }
  return out;
}
