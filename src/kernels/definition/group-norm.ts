/**
 * Group norm (torch.nn.functional.group_norm): each group of channels of each sample is brought to mean 0 and variance
 * 1; then each channel has a weight and a bias.
 *
 *     out[b,c,pixel] = (x[b,c,pixel] − mean) / √(variance + eps) · weight[c] + bias[c]
 *                    = x[b,c,pixel] · scale[c] + shift[c]
 *     scale[c] = weight[c] / √(variance + eps),   shift[c] = bias[c] − mean · scale[c]
 *
 * It is the one operation besides attention in which far pixels meet, but they exchange two numbers and no more: what
 * the group is on average, and how much it varies.
 *
 * Its way back, for gradients, is in group-norm-gradient.ts, and that of its weight and bias in gradients/norms.ts.
 */
import { allocate, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { moments } from './moments.ts';
import { rounding, stored } from './rounding.ts';

/**
 * The moments are taken in double precision; scale and shift are rounded once, then the product, then the sum.
 * @param x [B,C,…]
 * @param groups a divisor of C; a group is C / groups channels that follow one another
 * @param weight [C]
 * @param bias [C]
 * @param eps added to the variance, so that a flat group does not divide by 0
 * @returns [B,C,…]
 */
export function groupNorm(x: Tensor, groups: number, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const [B, C] = x.shape;
  const pixels = sizeOf(x.shape.slice(2));
  const channels = C / groups;
  const round = rounding(x.dtype);
  const out = allocate(x.dtype, x.data.length);
  for (let b = 0; b < B; b++) {
    for (let group = 0; group < groups; group++) {
      // 1. What the group is like.
      const start = (b * C + group * channels) * pixels;
      const { mean, variance } = moments(x.data.subarray(start, start + channels * pixels));
      const inverse = 1 / Math.sqrt(variance + eps);
      // 2. The same for every pixel of a channel.
      for (let c = group * channels; c < (group + 1) * channels; c++) {
        const scale = round(inverse * weight.data[c]);
        const shift = round(bias.data[c] - mean * scale);
        for (let pixel = 0; pixel < pixels; pixel++) {
          const at = (b * C + c) * pixels + pixel;
          out[at] = round(x.data[at] * scale) + shift;
        }
      }
    }
  }
  return stored(x.dtype, x.shape, out);
}
