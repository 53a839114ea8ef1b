/**
 * Group norm (torch.nn.functional.group_norm): each group of channels of each sample to mean 0 and variance 1.
 *
 *     y = x · scale + shift,   scale = weight[c] / √(variance + eps),   shift = bias[c] − mean · scale
 *
 * It is the one operation besides attention in which far pixels meet: through their mean and variance. Those are
 * computed in double precision (lanes.ts); scale and shift are rounded once, then the product, then the sum.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type Tensor } from '../../tensor/tensor.ts';
import { moments } from './lanes.ts';

export function groupNorm(x: Tensor, groups: number, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const { dtype } = x;
  const [batch, channels] = x.shape;
  const single = dtype !== 'f64';
  const pixels = batch * channels === 0 ? 0 : x.data.length / (batch * channels);
  const perGroup = channels / groups;
  const out = allocate(dtype, x.data.length);
  for (let g = 0; g < batch * groups; g++) {
    const start = g * perGroup * pixels;
    const { mean, variance } = moments(x.data, start, perGroup * pixels);
    const inverse = 1 / Math.sqrt(variance + eps);
    for (let i = 0; i < perGroup; i++) {
      const channel = (g % groups) * perGroup + i;
      const exactScale = inverse * weight.data[channel];
      const scale = single ? Math.fround(exactScale) : exactScale;
      const exactShift = bias.data[channel] - mean * scale;
      const shift = single ? Math.fround(exactShift) : exactShift;
      const first = start + i * pixels;
      for (let at = first; at < first + pixels; at++) {
        const product = x.data[at] * scale;
        out[at] = (single ? Math.fround(product) : product) + shift;
      }
    }
  }
  roundInPlace(dtype, out);
  return tensor(dtype, x.shape, out);
}
