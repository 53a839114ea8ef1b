/** Bootstrap confidence intervals (Efron 1979): how far a figure would move with another draw of as many pictures. */
import { allocate, tensor, type Tensor } from '../tensor/tensor.ts';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The central 95 % of `statistic` over resamples with replacement.
 * @param random uniform in [0, 1): from a seeded generator, so that the interval can be reproduced
 */
export function bootstrap(count: number, rounds: number, random: () => number, statistic: (chosen: readonly number[]) => number): Interval {
  const values = Array.from({ length: rounds }, () =>
    statistic(Array.from({ length: count }, () => Math.min(count - 1, Math.floor(random() * count)))),
  ).sort((a, b) => a - b);
  return { low: values[Math.floor(0.025 * (rounds - 1))], high: values[Math.ceil(0.975 * (rounds - 1))] };
}

/** The chosen rows of a table [N, n]. */
export function chooseRows(table: Tensor, chosen: readonly number[]): Tensor {
  const n = table.shape[1];
  const out = allocate(table.dtype, chosen.length * n);
  chosen.forEach((row, i) => out.set(table.data.subarray(row * n, (row + 1) * n), i * n));
  return tensor(table.dtype, [chosen.length, n], out);
}
