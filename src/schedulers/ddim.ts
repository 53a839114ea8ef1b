/** DDIM (Song et al. 2021, arXiv 2010.02502; `diffusers.DDIMScheduler`). */
import { add, scale } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import { checkAlphas } from './alpha-levels.ts';
import { levelOfAlpha } from './level.ts';
import { readLimit } from './limit.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { epsilonAt, originalAt, predictionTypes } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { f32, oneMinus, root } from './single.ts';
import { spacedTimesteps, spacings } from './spacing.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * x' = √ᾱ' x̂₀ + √(1 − ᾱ' − σ²) ε + σ z,   σ = η √((1−ᾱ')/(1−ᾱ)) √(1 − ᾱ/ᾱ')   (arXiv 2010.02502, eq. 12 and 16).
 * @param x0 x̂₀ = (x − √(1−ᾱ) ε)/√ᾱ, kept in range; like ε and z of the shape of x, [B,C,H,W]
 * @param alpha ᾱ of x, from 0 to 1, float32
 * @param next ᾱ' of x', above ᾱ
 * @param eta η: 0 for the deterministic sampler, 1 for the noise of DDPM
 * @param z standard normal; not given where η is 0
 */
export function ddimStep(x0: Tensor, epsilon: Tensor, alpha: number, next: number, eta: number, z?: Tensor): Tensor {
  const variance = f32(f32(oneMinus(next) / oneMinus(alpha)) * oneMinus(f32(alpha / next)));
  const sigma = f32(f32(eta) * root(variance));
  // From ᾱ = 0 with η = 1 it is 0, which roundings may bring below.
  const direction = root(Math.max(0, f32(oneMinus(next) - f32(sigma * sigma))));
  const mean = add(scale(x0, root(next)), scale(epsilon, direction));
  return z ? add(mean, scale(z, sigma)) : mean;
}

/**
 * A run of DDIM: from each timestep ⌊T/steps⌋ down.
 * @param steps how many, from 1 to the T timesteps of the training
 * @param eta η, from 0 to 1
 * @throws InputError for a config or a number of steps that it does not support
 */
export function ddim(config: Config, steps: number, eta = 0): Scheduler<undefined> {
  const name = 'DDIMScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name);
  const { alphasCumprod, trainTimesteps } = schedule;
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const limit = readLimit(options, true);
  const spacing = options.choice('timestep_spacing', spacings, 'leading');
  const offset = options.count('steps_offset', 0);
  const lastAlpha = options.flag('set_alpha_to_one', true) ? 1 : at(alphasCumprod, 0);
  const read = options.finish();

  const timesteps = spacedTimesteps(spacing, trainTimesteps, steps, offset);
  const stride = Math.floor(trainTimesteps / steps);
  const alphaOf = (timestep: number): number => (timestep >= 0 ? at(alphasCumprod, timestep) : lastAlpha);
  const calls = timesteps.map((t) => ({ t, alpha: alphaOf(t), next: alphaOf(t - stride) }));
  checkAlphas(name, schedule, prediction, calls);

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    ...variancePreserving(
      prediction,
      calls.map(({ alpha }) => levelOfAlpha(alpha)),
    ),
    step(state, { index, modelOutput, sample, noise }) {
      const { alpha, next } = at(calls, index);
      const denoised = limit(originalAt(prediction, sample, modelOutput, levelOfAlpha(alpha)));
      const epsilon = epsilonAt(prediction, sample, modelOutput, levelOfAlpha(alpha));
      const z = eta > 0 ? noise(sample.shape) : undefined;
      return { state, denoised, sample: ddimStep(denoised, epsilon, alpha, next, eta, z) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const DDIMScheduler: SchedulerEntry = {
  name: 'DDIMScheduler',
  short: 'ddim',
  summary: 'deterministic with eta 0, as noisy as DDPM with eta 1; first order',
  source: 'Song et al. 2021, arXiv 2010.02502',
  kind: 'discrete',
  eta: 0,
  mostEta: 1,
  create: (config, steps, { eta }) => ddim(config, steps, eta),
};
