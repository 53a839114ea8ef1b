/**
 * The order of a sum. Each addition rounds, so the order is part of what an operation is: whoever keeps it has the same
 * bits. There are two orders.
 *
 *     in runs     Σ of products: convolutions, linear layers, attention
 *     in lanes    Σ over a row or a group: softmax, mean and variance
 *
 * Added one after the other, n terms would gather n roundings. In runs they gather about 64 + n/64, in L lanes n/L,
 * which makes them as accurate as the blocked sums of the numerical libraries. And fast kernels can keep the order:
 * those of products compute several sums at once, each in its order; those of rows hold the lanes in a vector.
 *
 * Every sum begins with +0, so none is −0. It is taken in the precision of the array that holds its terms: in a
 * Float32Array each product has been rounded where it was stored, and each addition rounds again. There is no fused
 * multiply-add.
 */
import type { FloatArray } from '../../tensor/tensor.ts';
import { rounding } from './rounding.ts';

/** Terms of a run, unless an operation says otherwise. */
export const runLength = 64;

/** Terms of a run in a convolution: whole channels, as many as give 64 terms or just more. */
export function runOfChannels(kernelHeight: number, kernelWidth: number): number {
  const area = kernelHeight * kernelWidth;
  return Math.ceil(runLength / area) * area;
}

/** Terms of a run in the gradient of a weight: whole rows of pixels, as many as give 64 terms or just more. */
export function runOfRows(width: number): number {
  return Math.ceil(runLength / width) * width;
}

/** The sum in runs: so many terms in their order, each run from +0; and run after run is added to the total. */
export function sumInRuns(terms: FloatArray, run = runLength): number {
  const round = rounding(terms instanceof Float32Array ? 'f32' : 'f64');
  let total = 0;
  for (let start = 0; start < terms.length; start += run) {
    let sum = 0;
    for (let t = start; t < Math.min(start + run, terms.length); t++) sum = round(sum + terms[t]);
    total = round(total + sum);
  }
  return total;
}

/**
 * The sum in lanes: term t goes to lane t mod `count`, and each lane adds in its order. Then the upper half of the
 * lanes is added to the lower half, until one is left.
 * @param count of the lanes, a power of two
 */
export function sumInLanes(terms: FloatArray, count: number): number {
  const round = rounding(terms instanceof Float32Array ? 'f32' : 'f64');
  const lanes = new Array<number>(count).fill(0);
  for (let t = 0; t < terms.length; t++) lanes[t % count] = round(lanes[t % count] + terms[t]);
  for (let half = count / 2; half >= 1; half /= 2) {
    for (let i = 0; i < half; i++) lanes[i] = round(lanes[i] + lanes[i + half]);
  }
  return lanes[0];
}
