/** How x̂₀ depends on what a model predicts: at every call of it, a straight line. */
import { at } from '../tensor/at.ts';
import { tensor, type Tensor } from '../tensor/tensor.ts';
import type { Scheduler } from './scheduler.ts';

/** ∂x̂₀/∂p at call `index`, p being the prediction: what becomes of p = 1 where x_t is 0. */
export function originalPerPrediction(scheduler: Pick<Scheduler, 'predictOriginal'>, index: number): number {
  const pixel = (value: number): Tensor => tensor('f64', [1, 1, 1, 1], Float64Array.of(value));
  return at(scheduler.predictOriginal(pixel(0), pixel(1), index).data, 0);
}
