/**
 * Long sums in lanes. A sum of n numbers, one after the other, gathers n roundings and cannot be computed four at a
 * time. So the long sums of norms and softmax are defined in lanes: number i goes to lane i mod L, each lane adds in
 * order, and at the end the upper half of the lanes is added to the lower half until one is left.
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
