/**
 * Trajectory consistency distillation, strategic stochastic sampling (Zheng et al. 2024, arXiv 2402.19159;
 * `diffusers.TCDScheduler`).
 */
import { add, scale } from '../tensor/arithmetic.ts';
import { consistencyTimesteps } from './consistency-timesteps.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import {
  epsilonFrom,
  originalFrom,
  predictionTypes,
  readLimit,
  signalAndNoise,
  variancePreserving,
} from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { spacings } from './spacing.ts';

const f32 = Math.fround;

/**
 * Down to s = ⌊(1 − γ) t'⌋ along DDIM's line, x_s = √ᾱ_s x̂₀ + √(1−ᾱ_s) ε; then up to t' by noise,
 * x' = √(ᾱ'/ᾱ_s) x_s + √(1 − ᾱ'/ᾱ_s) z.
 * @param eta γ: 0 for no noise, 1 to start each step from x̂₀
 */
export function tcd(config: Config, steps: number, eta = 0.3): Scheduler<undefined> {
  const name = 'TCDScheduler';
  const options = readOptions(config, name);
  const defaults = { start: 0.00085, end: 0.012, schedule: 'scaled_linear' } as const;
  const { alphasCumprod, trainTimesteps } = readNoiseSchedule(options, commonBetaSchedules, name, defaults);
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const originalSteps = options.count('original_inference_steps', 50);
  // Keys that the class has and does not use.
  readLimit(options, false);
  options.flag('set_alpha_to_one', true);
  options.count('steps_offset', 0);
  options.choice('timestep_spacing', spacings, 'leading');
  options.number('timestep_scaling', 10);
  const read = options.finish();

  const timesteps = consistencyTimesteps(name, trainTimesteps, originalSteps, steps);
  const alphaAt = (index: number): number => alphasCumprod[timesteps[index]];

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    ...variancePreserving(prediction, (index) => signalAndNoise(alphaAt(index))),
    step(state, { index, modelOutput, sample, noise }) {
      const isLast = index === timesteps.length - 1;
      const next = isLast ? 0 : timesteps[index + 1];
      const alphaS = alphasCumprod[Math.floor(f32(f32(1 - eta) * next))];
      const s = signalAndNoise(alphaS);
      const denoised = originalFrom(prediction, sample, modelOutput, alphaAt(index));
      const epsilon = epsilonFrom(prediction, sample, modelOutput, alphaAt(index));
      const down = add(scale(denoised, s.signal), scale(epsilon, s.noise));
      if (isLast || eta === 0) return { state, denoised, sample: down };
      const ratio = f32(alphasCumprod[next] / alphaS);
      return {
        state,
        denoised,
        sample: add(scale(down, f32(Math.sqrt(ratio))), scale(noise(sample.shape), f32(Math.sqrt(f32(1 - ratio))))),
      };
    },
  };
}
