/**
 * Layer norm.
 *
 * Against definition/layer-norm: the moments are taken where the numbers lie (lanes.ts), and numbers are rounded
 * without a call.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type Tensor } from '../../tensor/tensor.ts';
import { moments } from './lanes.ts';

/** As in definition/layer-norm. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const { dtype } = x;
  const size = x.shape.at(-1) ?? 1;
  const single = dtype !== 'f64';
  const out = allocate(dtype, x.data.length);
  for (let start = 0; start < out.length; start += size) {
    const { mean, variance } = moments(x.data, start, size);
    const inverse = 1 / Math.sqrt(variance + eps);
    for (let i = 0; i < size; i++) {
      const normed = (x.data[start + i] - mean) * inverse;
      const product = (single ? Math.fround(normed) : normed) * weight.data[i];
      out[start + i] = (single ? Math.fround(product) : product) + bias.data[i];
    }
  }
  roundInPlace(dtype, out);
  return tensor(dtype, x.shape, out);
}
