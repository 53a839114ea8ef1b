/**
 * Layer norm (torch.nn.functional.layer_norm): each row is brought to mean 0 and variance 1; then each of its channels
 * has a weight and a bias.
 *
 *     out[r,c] = (x[r,c] − mean) / √(variance + eps) · weight[c] + bias[c]
 *
 * It is the norm that stays within a token: a row knows nothing of other rows, where group norm looks at the whole
 * picture.
 */
import { allocate, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { moments } from './moments.ts';
import { rounding, stored } from './rounding.ts';

/**
 * The moments are taken in double precision; the normed number is rounded once, then the product, then the sum.
 * @param x [… ,C]: R rows
 * @param weight [C]
 * @param bias [C]
 * @param eps added to the variance, so that a flat row does not divide by 0
 * @returns [… ,C]
 */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const C = x.shape.at(-1) ?? 1;
  const R = sizeOf(x.shape.slice(0, -1));
  const round = rounding(x.dtype);
  const out = allocate(x.dtype, x.data.length);
  for (let r = 0; r < R; r++) {
    // 1. What the row is like.
    const { mean, variance } = moments(x.data.subarray(r * C, (r + 1) * C));
    const inverse = 1 / Math.sqrt(variance + eps);
    // 2. Each number of it.
    for (let c = 0; c < C; c++) {
      const normed = round((x.data[r * C + c] - mean) * inverse);
      out[r * C + c] = round(normed * weight.data[c]) + bias.data[c];
    }
  }
  return stored(x.dtype, x.shape, out);
}
