/**
 * Euler's method with ancestral noise (k-diffusion's `sample_euler_ancestral`;
 * `diffusers.EulerAncestralDiscreteScheduler`).
 */
import { addScaled } from '../tensor/arithmetic.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaTable } from './sigma-table.ts';
import { ancestralSplit, denoise, slope, varianceExploding } from './variance-exploding.ts';

/**
 * x' = x + (σ_down − σ) dx/dσ + σ_up z,   σ_down² + σ_up² = σ'².
 * @param eta 1 as in diffusers; 0 for Euler's method without noise
 */
export function eulerAncestral(config: Config, steps: number, eta = 1): Scheduler<undefined> {
  const name = 'EulerAncestralDiscreteScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name);
  const prediction = options.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const { timesteps, sigmas, initNoiseSigma } = readSigmaTable(options, schedule, steps, name);
  const read = options.finish();

  return {
    name,
    config: read,
    timesteps,
    initNoiseSigma,
    start: undefined,
    ...varianceExploding(prediction, (index) => sigmas[index]),
    step(state, { index, modelOutput, sample, noise }) {
      const sigma = sigmas[index];
      const { down, up } = ancestralSplit(sigma, sigmas[index + 1], eta);
      const denoised = denoise(prediction, sample, modelOutput, sigma);
      const mean = addScaled(sample, down - sigma, slope(sample, denoised, sigma));
      return { state, denoised, sample: up > 0 ? addScaled(mean, up, noise(sample.shape)) : mean };
    },
  };
}
