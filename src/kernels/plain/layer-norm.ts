/**
 * Layer norm (torch.nn.functional.layer_norm): each row to mean 0 and variance 1, then weight and bias.
 *
 *     y = ((x − mean) / √(variance + eps)) · weight + bias
 *
 * Mean and variance in double precision (lanes.ts); the normed value is rounded once, then the product, then the sum.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type Tensor } from '../../tensor/tensor.ts';
import { moments } from './lanes.ts';

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
