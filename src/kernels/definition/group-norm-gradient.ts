/**
 * The way back through what group norm does before its weight and bias, x̂ = (x − mean) / √(variance + eps). Each x
 * moves its own x̂, and by way of mean and variance those of the whole group:
 *
 *     ∂L/∂x = (g − mean(g) − x̂ · mean(g · x̂)) / √(variance + eps),   g = ∂L/∂x̂
 *
 * So nothing comes back that would move the whole group, or stretch it: the norm would undo both.
 */
import { allocate, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { mean, moments } from './moments.ts';
import { stored } from './rounding.ts';

/**
 * All in double precision, means in eight lanes; the result is rounded once.
 * @param x [B,C,…], what the norm was given
 * @param gradient of x̂, of that shape
 * @param groups a divisor of C; a group is C / groups channels that follow one another
 * @param eps added to the variance
 * @returns [B,C,…]
 */
export function groupNormGradient(x: Tensor, gradient: Tensor, groups: number, eps: number): Tensor {
  const [B, C] = x.shape;
  const size = (C / groups) * sizeOf(x.shape.slice(2));
  const out = allocate(x.dtype, x.data.length);
  for (let start = 0; start < B * groups * size; start += size) {
    // 1. What the group is like, and what its numbers have become.
    const numbers = x.data.subarray(start, start + size);
    const { mean: middle, variance } = moments(numbers);
    const inverse = 1 / Math.sqrt(variance + eps);
    const normed = Float64Array.from(numbers, (number) => (number - middle) * inverse);
    // 2. What comes back to all of them alike, and in proportion to each.
    const g = Float64Array.from(gradient.data.subarray(start, start + size));
    const shift = mean(g);
    const stretch = mean(g.map((each, i) => each * normed[i]));
    // 3. What is left for each.
    for (let i = 0; i < size; i++) out[start + i] = (g[i] - shift - normed[i] * stretch) * inverse;
  }
  return stored(x.dtype, x.shape, out);
}
