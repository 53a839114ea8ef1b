/**
 * The way back through group norm.
 *
 * Against definition/group-norm-gradient: the sums are taken where the numbers lie, and what is one number for a
 * channel is computed once.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, sizeOf, tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { rounding } from '../definition/rounding.ts';
import { foldLanes, moments } from './lanes.ts';

/** As in definition/group-norm-gradient. */
export function groupNormGradient(x: Tensor, gradient: Tensor, weight: Tensor, groups: number, eps: number): Tensor {
  const { dtype, shape, data } = x;
  const [batch, channels] = shape;
  const pixels = sizeOf(shape.slice(2));
  const perGroup = channels / groups;
  const size = perGroup * pixels;
  const round = rounding(dtype);
  const out = allocate(dtype, data.length);
  for (let group = 0; group < (size === 0 ? 0 : batch * groups); group++) {
    const [start, first] = [group * size, (group % groups) * perGroup];
    const { mean, inverse, sums, products } = groupOf(data, gradient.data, start, perGroup, pixels, eps);
    let [shift, stretch] = [0, 0];
    for (let c = 0; c < perGroup; c++) {
      shift += sums[c] * weight.data[first + c];
      stretch += products[c] * weight.data[first + c];
    }
    const exact = -(inverse * inverse * inverse * (stretch / size));
    const [ofX, ofAll] = [round(exact), round(-(inverse * (shift / size)) - exact * mean)];
    for (let c = 0; c < perGroup; c++) {
      const ofG = round(inverse * weight.data[first + c]);
      for (let i = start + c * pixels; i < start + (c + 1) * pixels; i++)
        out[i] = round(round(gradient.data[i] * ofG) + round(data[i] * ofX)) + ofAll;
    }
  }
  roundInPlace(dtype, out);
  return tensor(dtype, shape, out);
}

/** As in definition/group-norm-gradient. */
export function groupNormSums(x: Tensor, gradient: Tensor, groups: number, eps: number): Tensor {
  const { dtype, shape, data } = x;
  const [batch, channels] = shape;
  const pixels = sizeOf(shape.slice(2));
  const perGroup = channels / groups;
  const out = allocate(dtype, batch * 2 * channels);
  for (let b = 0; b < batch; b++) {
    for (let first = 0; first < channels; first += perGroup) {
      const start = (b * channels + first) * pixels;
      const { inverse, sums, products } = groupOf(data, gradient.data, start, perGroup, pixels, eps);
      for (let c = 0; c < perGroup; c++) {
        out[2 * b * channels + first + c] = products[c] * inverse;
        out[(2 * b + 1) * channels + first + c] = sums[c];
      }
    }
  }
  roundInPlace(dtype, out);
  return tensor(dtype, [batch, 2 * channels], out);
}

/** Mean and 1/√(variance + eps) of a group, and of each channel Σ g and Σ g · (x − mean). */
function groupOf(
  x: FloatArray,
  gradient: FloatArray,
  start: number,
  channels: number,
  pixels: number,
  eps: number,
): { readonly mean: number; readonly inverse: number; readonly sums: number[]; readonly products: number[] } {
  const { mean, variance } = moments(x, start, channels * pixels);
  const [lanes, ofProducts] = [new Float64Array(8), new Float64Array(8)];
  const [sums, products]: [number[], number[]] = [[], []];
  for (let c = 0; c < channels; c++) {
    lanes.fill(0);
    ofProducts.fill(0);
    const from = start + c * pixels;
    for (let i = 0; i < pixels; i++) {
      const g = gradient[from + i];
      lanes[i & 7] += g;
      ofProducts[i & 7] += g * (x[from + i] - mean);
    }
    sums.push(foldLanes(lanes));
    products.push(foldLanes(ofProducts));
  }
  return { mean, inverse: 1 / Math.sqrt(variance + eps), sums, products };
}
