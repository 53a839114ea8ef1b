/**
 * Euler's method (Karras et al. 2022, arXiv 2206.00364, algorithm 2 without churn; `diffusers.EulerDiscreteScheduler`).
 */
import { addScaled } from '../tensor/arithmetic.ts';
import { log } from '../tensor/math/index.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { predictionTypes } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaTable } from './sigma-table.ts';
import { denoise, slope, varianceExploding } from './variance-exploding.ts';

const f32 = Math.fround;

/** x' = x + (σ' − σ) dx/dσ. First order. */
export function euler(config: Config, steps: number): Scheduler<undefined> {
  const name = 'EulerDiscreteScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name);
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon', { original_sample: 'sample' });
  const isContinuous = options.choice('timestep_type', ['discrete', 'continuous'], 'discrete') === 'continuous';
  const { timesteps, sigmas, initNoiseSigma } = readSigmaTable(options, schedule, steps, name, {
    spacing: true,
    ends: true,
  });
  const read = options.finish();

  return {
    name,
    config: read,
    timesteps:
      isContinuous && prediction === 'v_prediction'
        ? timesteps.map((_, i) => f32(0.25 * f32(log(sigmas[i]))))
        : timesteps,
    initNoiseSigma,
    start: undefined,
    ...varianceExploding(prediction, (index) => sigmas[index]),
    step(state, { index, modelOutput, sample }) {
      const [sigma, next] = [sigmas[index], sigmas[index + 1]];
      const denoised = denoise(prediction, sample, modelOutput, sigma);
      return { state, denoised, sample: addScaled(sample, next - sigma, slope(sample, denoised, sigma)) };
    },
  };
}
