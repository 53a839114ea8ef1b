/**
 * Euler's method with ancestral noise (k-diffusion's `sample_euler_ancestral`;
 * `diffusers.EulerAncestralDiscreteScheduler`).
 */
import { at } from '../tensor/at.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaTable } from './sigma-table.ts';
import { checkFalling } from './sigmas.ts';
import { ancestralSplit, ancestralStep, denoise, slope, varianceExploding } from './variance-exploding.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * A run of ancestral Euler: `ancestralStep` with the slope at the beginning of the step.
 * @param steps how many, from 1 to the timesteps of the training
 * @param eta η, from 0: 1 as in diffusers; 0 for Euler's method without noise
 * @throws InputError for a config or a number of steps that it does not support
 */
export function eulerAncestral(config: Config, steps: number, eta = 1): Scheduler<undefined> {
  const name = 'EulerAncestralDiscreteScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name);
  const prediction = options.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const { timesteps, sigmas, initNoiseSigma, cause } = readSigmaTable(options, schedule, steps, name);
  const read = options.finish();
  if (eta > 0) checkFalling(name, sigmas, cause);

  return {
    name,
    config: read,
    timesteps,
    initNoiseSigma,
    start: undefined,
    ...varianceExploding(prediction, sigmas.slice(0, -1)),
    step(state, { index, modelOutput, sample, noise }) {
      const [sigma, next] = [at(sigmas, index), at(sigmas, index + 1)];
      const split = ancestralSplit(sigma, next, eta);
      const denoised = denoise(prediction, sample, modelOutput, sigma);
      const d = slope(sample, denoised, sigma);
      const z = split.up > 0 ? noise(sample.shape) : undefined;
      return { state, denoised, sample: ancestralStep(sample, d, sigma, split, z) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const EulerAncestralDiscreteScheduler: SchedulerEntry = {
  name: 'EulerAncestralDiscreteScheduler',
  short: 'euler-ancestral',
  summary: 'Euler down, then noise up',
  source: 'k-diffusion, sample_euler_ancestral',
  kind: 'discrete',
  eta: 1,
  create: (config, steps, { eta }) => eulerAncestral(config, steps, eta),
};
