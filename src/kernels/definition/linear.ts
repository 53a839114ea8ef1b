/**
 * The linear layer (torch.nn.functional.linear): each row of x times a matrix.
 *
 *     out[r,o] = Σ_c weight[o,c] · x[r,c]  +  bias[o]
 *
 * It is the layer in which the channels of one token meet, and nothing else: each row is on its own. A UNet has its
 * embeddings and the four projections of attention (Q, K, V and out) from it.
 */
import { allocate, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { stored } from './rounding.ts';
import { sumInRuns } from './sums.ts';

/**
 * The products are added over c, in runs; the bias comes last.
 * @param x [… ,C]: R rows
 * @param weight [O,C]
 * @param bias [O]
 * @returns [… ,O]
 */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const [O, C] = weight.shape;
  const R = sizeOf(x.shape.slice(0, -1));
  const products = allocate(x.dtype, C);
  const out = allocate(x.dtype, R * O);
  for (let r = 0; r < R; r++) {
    for (let o = 0; o < O; o++) {
      for (let c = 0; c < C; c++) products[c] = weight.data[o * C + c] * x.data[r * C + c];
      const sum = sumInRuns(products);
      out[r * O + o] = bias ? sum + bias.data[o] : sum;
    }
  }
  return stored(x.dtype, [...x.shape.slice(0, -1), O], out);
}
