/**
 * DDIM run backwards, from a picture to its noise (Mokady et al. 2022, arXiv 2211.09794;
 * `diffusers.DDIMInverseScheduler`).
 */
import { add, scale } from '../tensor/arithmetic.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import {
  epsilonFrom,
  originalFrom,
  predictionTypes,
  readClip,
  signalAndNoise,
  variancePreserving,
} from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { spacedTimesteps } from './spacing.ts';

/**
 * x_{t+1} = √ᾱ' x̂₀ + √(1 − ᾱ') ε: DDIM's step with the two noise levels exchanged. The model is asked at t + 1, the
 * level that the step ends on, about the sample that the step begins with; that is what makes it an approximation.
 */
export function ddimInverse(config: Config, steps: number): Scheduler<undefined> {
  const name = 'DDIMInverseScheduler';
  const options = readOptions(config, name);
  const { alphasCumprod, trainTimesteps } = readNoiseSchedule(options, commonBetaSchedules, name);
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const limit = readClip(options, true);
  const spacing = options.choice('timestep_spacing', ['leading', 'trailing'], 'leading');
  const offset = options.count('steps_offset', 0);
  const firstAlpha = options.flag('set_alpha_to_one', true) ? 1 : alphasCumprod[0];
  const read = options.finish();

  const timesteps = [...spacedTimesteps(spacing, trainTimesteps, steps, offset)].reverse();
  const stride = Math.floor(trainTimesteps / steps);
  const alphaAt = (index: number): number => {
    const before = timesteps[index] - stride;
    return before >= 0 ? alphasCumprod[before] : firstAlpha;
  };

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    ...variancePreserving(prediction, (index) => signalAndNoise(alphaAt(index))),
    step(state, { index, modelOutput, sample }) {
      const denoised = limit(originalFrom(prediction, sample, modelOutput, alphaAt(index)));
      const epsilon = epsilonFrom(prediction, sample, modelOutput, alphaAt(index));
      const next = signalAndNoise(alphasCumprod[timesteps[index]]);
      return { state, denoised, sample: add(scale(denoised, next.signal), scale(epsilon, next.noise)) };
    },
  };
}
