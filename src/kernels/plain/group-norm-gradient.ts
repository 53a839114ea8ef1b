/**
 * The way back through group norm.
 *
 * Against definition/group-norm-gradient: the sums are taken where the numbers lie, and x̂ is computed where it is
 * needed.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type Tensor } from '../../tensor/tensor.ts';
import { foldLanes, moments } from './lanes.ts';

/** As in definition/group-norm-gradient. */
export function groupNormGradient(x: Tensor, gradient: Tensor, groups: number, eps: number): Tensor {
  const { dtype, shape, data } = x;
  const size = shape[0] === 0 ? 0 : data.length / (shape[0] * groups);
  const out = allocate(dtype, data.length);
  const sums = new Float64Array(8);
  const products = new Float64Array(8);
  for (let start = 0; start < data.length; start += size) {
    const { mean, variance } = moments(data, start, size);
    const inverse = 1 / Math.sqrt(variance + eps);
    sums.fill(0);
    products.fill(0);
    for (let i = 0; i < size; i++) {
      const g = gradient.data[start + i];
      sums[i & 7] += g;
      products[i & 7] += g * ((data[start + i] - mean) * inverse);
    }
    const [shift, stretch] = [foldLanes(sums) / size, foldLanes(products) / size];
    for (let i = start; i < start + size; i++)
      out[i] = (gradient.data[i] - shift - (data[i] - mean) * inverse * stretch) * inverse;
  }
  roundInPlace(dtype, out);
  return tensor(dtype, shape, out);
}
