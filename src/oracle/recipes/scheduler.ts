/** A scheduler, step by step, with model outputs that are data. */
import { scale } from '../../tensor/arithmetic.ts';
import { tensor } from '../../tensor/tensor.ts';
import type { SchedulerSubject } from '../case.ts';
import { input, type Recipe } from './recipe.ts';

/** The taps are the table of timesteps, the start, and those of every step. */
export function schedulerRecipe({ scheduler: config, steps, eta, noisedAt }: SchedulerSubject): Recipe {
  return (means) => {
    const { implementation, show, inputs } = means;
    const scheduler = implementation.scheduler(config, steps, { eta });
    const { timesteps } = scheduler;
    show('timesteps', tensor('f64', [timesteps.length], Float64Array.from(timesteps)));
    if (inputs.has('original'))
      show('noised', scheduler.addNoise(input(means, 'original'), input(means, 'noise'), noisedAt));

    let state = scheduler.start;
    let sample = show('start', scale(input(means, 'noise'), scheduler.initNoiseSigma));
    timesteps.forEach((_timestep, index) => {
      show(`step.${index}.input`, scheduler.scaleModelInput(sample, index));
      const result = scheduler.step(state, {
        index,
        sample,
        modelOutput: input(means, `step.${index}.output`),
        noise: () => input(means, `step.${implementation.noiseStep(index, timesteps.length)}.noise`),
      });
      if (result.denoised) show(`step.${index}.denoised`, result.denoised);
      state = result.state;
      sample = show(`step.${index}.sample`, result.sample);
    });
  };
}
