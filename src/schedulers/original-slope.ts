/**
 * How x̂₀ depends on x_t and on what a model predicts, and what the model is given on x_t: at every call of it,
 * straight lines.
 */
import { at } from '../tensor/at.ts';
import { tensor, type Tensor } from '../tensor/tensor.ts';
import type { Scheduler } from './scheduler.ts';

/** ∂x̂₀/∂p at call `index`, p being the prediction: what becomes of p = 1 where x_t is 0. */
export function originalPerPrediction(scheduler: Pick<Scheduler, 'predictOriginal'>, index: number): number {
  return at(scheduler.predictOriginal(pixel(0), pixel(1), index).data, 0);
}

/** ∂x̂₀/∂x_t at call `index` where the prediction stays: what becomes of x_t = 1 with a prediction of 0. */
export function originalPerSample(scheduler: Pick<Scheduler, 'predictOriginal'>, index: number): number {
  return at(scheduler.predictOriginal(pixel(1), pixel(0), index).data, 0);
}

/** ∂(what the model is given)/∂x_t at call `index`. */
export function inputPerSample(scheduler: Pick<Scheduler, 'scaleModelInput'>, index: number): number {
  return at(scheduler.scaleModelInput(pixel(1), index).data, 0);
}

/** All three, as a guidance's step has them. */
export function slopesAt(
  scheduler: Pick<Scheduler, 'predictOriginal' | 'scaleModelInput'>,
  index: number,
): Readonly<Record<'originalPerPrediction' | 'originalPerSample' | 'inputPerSample', number>> {
  return {
    originalPerPrediction: originalPerPrediction(scheduler, index),
    originalPerSample: originalPerSample(scheduler, index),
    inputPerSample: inputPerSample(scheduler, index),
  };
}

/** A picture of one pixel, in double precision. */
export function pixel(value: number): Tensor {
  return tensor('f64', [1, 1, 1, 1], Float64Array.of(value));
}
