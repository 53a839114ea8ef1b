/**
 * DDIM run backwards, from a picture to its noise (Mokady et al. 2022, arXiv 2211.09794;
 * `diffusers.DDIMInverseScheduler`).
 */
import { InputError } from '../tensor/errors.ts';
import { at } from '../tensor/at.ts';
import { diffuse, levelOfAlpha } from './level.ts';
import { readClip } from './limit.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { epsilonAt, originalAt, predictionTypes } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { spacedTimesteps } from './spacing.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * x' = √ᾱ' x̂₀ + √(1 − ᾱ') ε: `diffuse` to the level of the next, noisier timestep. That is DDIM's step with the two
 * levels exchanged. The model is asked at t + 1, the level that the step ends on, about the sample that the step begins
 * with; that is what makes it an approximation.
 * @param steps how many, from 1 to the timesteps of the training
 * @throws InputError for a config or a number of steps that it does not support
 */
export function ddimInverse(config: Config, steps: number): Scheduler<undefined> {
  const name = 'DDIMInverseScheduler';
  const options = readOptions(config, name);
  const { alphasCumprod, trainTimesteps, settings } = readNoiseSchedule(options, commonBetaSchedules, name);
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const limit = readClip(options, true);
  const spacing = options.choice('timestep_spacing', ['leading', 'trailing'], 'leading');
  const offset = options.count('steps_offset', 0);
  const firstAlpha = options.flag('set_alpha_to_one', true) ? 1 : at(alphasCumprod, 0);
  const read = options.finish();

  const timesteps = [...spacedTimesteps(spacing, trainTimesteps, steps, offset)].reverse();
  const stride = Math.floor(trainTimesteps / steps);
  const levelOf = (timestep: number) => levelOfAlpha(timestep >= 0 ? at(alphasCumprod, timestep) : firstAlpha);
  const levels = timesteps.map((t) => levelOf(t - stride));
  const nextLevels = timesteps.map(levelOf);
  levels.forEach(({ signal, noise }, index) => {
    const before = `${name}: the step to timestep ${timesteps[index]} begins at`;
    if (signal === 0 && prediction === 'epsilon')
      throw new InputError(`${before} ᾱ = 0 (${settings}), pure noise, of which ε says nothing; take fewer steps`);
    if (noise === 0 && prediction === 'sample')
      throw new InputError(
        `${before} ᾱ = 1, a picture without noise, of which x₀ says no ε; set set_alpha_to_one to false`,
      );
  });

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    ...variancePreserving(prediction, levels),
    step(state, { index, modelOutput, sample }) {
      const denoised = limit(originalAt(prediction, sample, modelOutput, at(levels, index)));
      const epsilon = epsilonAt(prediction, sample, modelOutput, at(levels, index));
      return { state, denoised, sample: diffuse(denoised, epsilon, at(nextLevels, index)) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const DDIMInverseScheduler: SchedulerEntry = {
  name: 'DDIMInverseScheduler',
  short: 'ddim-inverse',
  summary: 'DDIM backwards: from a picture to its noise',
  source: 'Mokady et al. 2022, arXiv 2211.09794',
  kind: 'discrete',
  create: (config, steps) => ddimInverse(config, steps),
};
