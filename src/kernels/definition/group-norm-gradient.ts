/**
 * The way back through a group norm, y = x̂ · weight + bias with x̂ = (x − mean) / √(variance + eps). Each x moves its
 * own x̂, and by way of mean and variance those of the whole group:
 *
 *     ∂L/∂x = (g′ − mean(g′) − x̂ · mean(g′ · x̂)) / √(variance + eps),   g′ = g · weight,   g = ∂L/∂y
 *
 * So nothing comes back that would move the whole group, or stretch it: the norm would undo both. Weight and bias get,
 * of each sample and channel,
 *
 *     ∂L/∂weight = Σ g · x̂,   ∂L/∂bias = Σ g
 *
 * and the means above are made of the same sums.
 */
import { allocate, sizeOf, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { moments, sum } from './moments.ts';
import { rounding, stored } from './rounding.ts';

/**
 * Moments and sums are taken in double precision; what they make of g and x is one number for each, rounded before it
 * is multiplied: ∂L/∂x = g · a + x · b + c, each step rounded.
 * @param x [B,C,…], what the norm was given
 * @param gradient of y, of that shape
 * @param weight [C]
 * @param groups a divisor of C; a group is C / groups channels that follow one another
 * @param eps added to the variance
 * @returns [B,C,…]
 */
export function groupNormGradient(x: Tensor, gradient: Tensor, weight: Tensor, groups: number, eps: number): Tensor {
  const [B, C] = x.shape;
  const pixels = sizeOf(x.shape.slice(2));
  const [perGroup, size] = [C / groups, (C / groups) * pixels];
  const round = rounding(x.dtype);
  const out = allocate(x.dtype, x.data.length);
  for (let start = 0, first = 0; start < B * C * pixels; start += size, first = (first + perGroup) % C) {
    // 1. What comes back to all of a group alike, and in proportion to each.
    const { mean, inverse, sums, products } = groupOf(x, gradient, start, perGroup, eps);
    let [shift, stretch] = [0, 0];
    for (let c = 0; c < perGroup; c++) {
      shift += sums[c] * weight.data[first + c];
      stretch += products[c] * weight.data[first + c];
    }
    // 2. What is left for each.
    const ofX = -(inverse * inverse * inverse * (stretch / size));
    const ofAll = -(inverse * (shift / size)) - ofX * mean;
    for (let i = start; i < start + size; i++) {
      const ofG = round(inverse * weight.data[first + Math.floor((i - start) / pixels)]);
      const own = round(gradient.data[i] * ofG);
      out[i] = round(own + round(x.data[i] * round(ofX))) + round(ofAll);
    }
  }
  return stored(x.dtype, x.shape, out);
}

/**
 * What a sample adds to the gradients of weight and bias: sums in double precision, in eight lanes, rounded once.
 * @param x [B,C,…], what the norm was given
 * @param gradient of y, of that shape
 * @param groups a divisor of C
 * @param eps added to the variance
 * @returns [B,2·C]: of each channel Σ g · x̂, and behind these of each Σ g
 */
export function groupNormSums(x: Tensor, gradient: Tensor, groups: number, eps: number): Tensor {
  const [B, C] = x.shape;
  const pixels = sizeOf(x.shape.slice(2));
  const perGroup = C / groups;
  const out = allocate(x.dtype, B * 2 * C);
  for (let b = 0; b < B; b++) {
    for (let first = 0; first < C; first += perGroup) {
      const { inverse, sums, products } = groupOf(x, gradient, (b * C + first) * pixels, perGroup, eps);
      for (let c = 0; c < perGroup; c++) {
        out[2 * b * C + first + c] = products[c] * inverse;
        out[(2 * b + 1) * C + first + c] = sums[c];
      }
    }
  }
  return stored(x.dtype, [B, 2 * C], out);
}

/** A group, and what comes back to it. */
interface Group {
  readonly mean: number;
  /** 1 / √(variance + eps). */
  readonly inverse: number;
  /** Of each channel Σ g, and Σ g · (x − mean). */
  readonly sums: readonly number[];
  readonly products: readonly number[];
}

/** The group of so many channels that begins at `start`. */
function groupOf(x: Tensor, gradient: Tensor, start: number, channels: number, eps: number): Group {
  const pixels = sizeOf(x.shape.slice(2));
  const part = ({ data }: Tensor): FloatArray => data.subarray(start, start + channels * pixels);
  const numbers = part(x);
  const { mean, variance } = moments(numbers);
  const g = Float64Array.from(part(gradient));
  const products = g.map((each, i) => each * (numbers[i] - mean));
  const ofEach = (terms: Float64Array): readonly number[] =>
    Array.from({ length: channels }, (_, c) => sum(terms.subarray(c * pixels, (c + 1) * pixels)));
  return { mean, inverse: 1 / Math.sqrt(variance + eps), sums: ofEach(g), products: ofEach(products) };
}
