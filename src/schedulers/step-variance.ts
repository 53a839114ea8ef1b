/** How much noise a step of a scheduler adds. */
import { InputError } from '../tensor/errors.ts';
import { at } from '../tensor/at.ts';
import { pixel } from './original-slope.ts';
import type { Scheduler } from './scheduler.ts';

/**
 * Σ, the variance of the noise that the step of call `index` adds: what becomes of a draw of 1 where all else is 0,
 * squared. 0 for a step that draws none.
 * @throws InputError where the model must predict the variance
 */
export function varianceOfStep<State>(scheduler: Scheduler<State>, index: number): number {
  const drawing = (z: number): number => {
    const input = { index, modelOutput: pixel(0), sample: pixel(0), noise: () => pixel(z) };
    return at(scheduler.step(scheduler.start, input).sample.data, 0);
  };
  const deviation = drawing(1) - drawing(0);
  if (Number.isFinite(deviation)) return deviation * deviation;
  throw new InputError(`${scheduler.name} has no finite variance at call ${index}; give another scheduler`);
}
