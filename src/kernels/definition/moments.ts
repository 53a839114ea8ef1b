/** Sum, mean and variance, as the norms take them: in double precision whatever the dtype, in eight lanes. */
import type { FloatArray } from '../../tensor/tensor.ts';
import { sumInLanes } from './sums.ts';

/** The sum of numbers. */
export function sum(numbers: Float64Array): number {
  return sumInLanes(numbers, 8);
}

/** The mean of numbers; NaN for no numbers. */
export function mean(numbers: Float64Array): number {
  return sum(numbers) / numbers.length;
}

/** The mean of numbers and their (biased) variance, which is the mean of (number − mean)². NaN for no numbers. */
export function moments(numbers: FloatArray): { readonly mean: number; readonly variance: number } {
  const exact = Float64Array.from(numbers);
  const middle = mean(exact);
  const squares = exact.map((number) => (number - middle) * (number - middle));
  return { mean: middle, variance: mean(squares) };
}
