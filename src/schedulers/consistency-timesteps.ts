/** The timesteps of consistency models: some of the `original_inference_steps` that they were distilled on. */
import { InputError } from '../tensor/errors.ts';
import { checkTimesteps, type OwnSteps } from './own-steps.ts';

/** What a run of a consistency model chooses. */
export interface ConsistencyChoices extends Pick<OwnSteps, 'timesteps'> {
  /** How much of a picture is redrawn that the run begins with, above 0, to 1, all of it: the default. */
  readonly strength?: number;
}

/**
 * `steps` whole timesteps, falling, evenly spread over those of the distillation, from the last; with a strength over
 * its first ⌊originalSteps · strength⌋, as diffusers' `set_timesteps(strength=…)` has it. Of timesteps that are given
 * the last ⌊length · strength⌋.
 * @param scheduler its name, for messages
 * @param steps how many, unless the timesteps are given, which the distillation need not have had
 * @throws InputError when more are asked for than there are, or the distillation had more than the training
 */
export function consistencyTimesteps(
  scheduler: string,
  trainTimesteps: number,
  originalSteps: number,
  steps: number,
  { timesteps, strength = 1 }: ConsistencyChoices,
): readonly number[] {
  if (originalSteps < 1 || originalSteps > trainTimesteps) {
    throw new InputError(
      `${scheduler}: original_inference_steps is ${originalSteps}; ` +
        `expected from 1 to num_train_timesteps = ${trainTimesteps}`,
    );
  }
  if (timesteps) {
    const given = checkTimesteps(scheduler, timesteps, { most: trainTimesteps - 1, whole: true, falling: true });
    const left = Math.floor(given.length * strength);
    if (left > 0) return given.slice(given.length - left);
    throw new InputError(
      `${scheduler}: a strength of ${strength} leaves none of ${given.length} timesteps; give more, or a greater one`,
    );
  }
  const most = Math.floor(originalSteps * strength);
  if (steps > most) {
    const part = strength === 1 ? '' : `, of which a strength of ${strength} leaves ${most}`;
    const wayOut = strength === 1 ? '' : '; take fewer steps, or a greater strength';
    throw new InputError(
      `${scheduler}: ${steps} steps are asked for; expected from 1 to original_inference_steps = ` +
        `${originalSteps}${part}${wayOut}`,
    );
  }
  const stride = Math.floor(trainTimesteps / originalSteps);
  return Array.from({ length: steps }, (_, i) => (most - Math.floor(i * (most / steps))) * stride - 1);
}
