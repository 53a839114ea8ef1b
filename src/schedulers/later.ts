/** A run that leaves out its first steps: it begins with a picture that is noised only in part. */
import type { Scheduler } from './scheduler.ts';

/**
 * The run from call `first` on, its calls counted from 0. Methods of several steps find no outputs of the steps before,
 * and begin with a lower order, as at the beginning of a whole run.
 * @param first a call with which a step begins, from 0 to the last
 */
export function laterPart<State>(scheduler: Scheduler<State>, first: number): Scheduler<State> {
  return {
    ...scheduler,
    timesteps: scheduler.timesteps.slice(first),
    initNoiseSigma: scheduler.levelAt(first).noise,
    scaleModelInput: (sample, index) => scheduler.scaleModelInput(sample, first + index),
    step: (state, input) => scheduler.step(state, { ...input, index: first + input.index }),
    levelAt: (index) => scheduler.levelAt(first + index),
    addNoise: (original, noise, index) => scheduler.addNoise(original, noise, first + index),
    predictOriginal: (sample, modelOutput, index) => scheduler.predictOriginal(sample, modelOutput, first + index),
  };
}
