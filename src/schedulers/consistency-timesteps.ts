/** The timesteps of consistency models: some of the `original_inference_steps` that they were distilled on. */
import { InputError } from '../tensor/errors.ts';
import { checkTimesteps } from './own-steps.ts';

/**
 * `steps` whole timesteps, falling, evenly spread over those of the distillation, from the last.
 * @param scheduler its name, for messages
 * @param steps how many; or the timesteps themselves, which the distillation need not have had
 * @throws InputError when more are asked for than there were, or the distillation had more than the training
 */
export function consistencyTimesteps(
  scheduler: string,
  trainTimesteps: number,
  originalSteps: number,
  steps: number | readonly number[],
): readonly number[] {
  if (originalSteps < 1 || originalSteps > trainTimesteps) {
    throw new InputError(
      `${scheduler}: original_inference_steps is ${originalSteps}; ` +
        `expected from 1 to num_train_timesteps = ${trainTimesteps}`,
    );
  }
  if (typeof steps !== 'number')
    return checkTimesteps(scheduler, steps, { most: trainTimesteps - 1, whole: true, falling: true });
  if (steps > originalSteps) {
    throw new InputError(
      `${scheduler}: ${steps} steps are asked for; expected from 1 to original_inference_steps = ${originalSteps}`,
    );
  }
  const stride = Math.floor(trainTimesteps / originalSteps);
  return Array.from(
    { length: steps },
    (_, i) => (originalSteps - Math.floor(i * (originalSteps / steps))) * stride - 1,
  );
}
