/**
 * Group norm.
 *
 * Against definition/group-norm: the moments are taken where the numbers lie (lanes.ts), and a product is rounded
 * without a call.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type Tensor } from '../../tensor/tensor.ts';
import { moments } from './lanes.ts';

/** As in definition/group-norm. */
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
