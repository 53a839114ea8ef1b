/**
 * Sums in lanes.
 *
 * Against definition/sums and definition/moments: the terms are not collected, they are added to the lanes as they are
 * made, and the lanes are a typed array, which rounds by itself.
 */
import type { FloatArray } from '../../tensor/tensor.ts';

/** The sum of the lanes, which it overwrites. Their number is a power of two. */
export function foldLanes(lanes: FloatArray): number {
  for (let half = lanes.length / 2; half >= 1; half /= 2) {
    for (let i = 0; i < half; i++) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

/** Mean and (biased) variance of `count` numbers from `start` on, in double precision, eight lanes each. */
export function moments(data: FloatArray, start: number, count: number): { mean: number; variance: number } {
  const lanes = new Float64Array(8);
  for (let i = 0; i < count; i++) lanes[i & 7] += data[start + i];
  const mean = foldLanes(lanes) / count;
  lanes.fill(0);
  for (let i = 0; i < count; i++) {
    const deviation = data[start + i] - mean;
    lanes[i & 7] += deviation * deviation;
  }
  return { mean, variance: foldLanes(lanes) / count };
}
