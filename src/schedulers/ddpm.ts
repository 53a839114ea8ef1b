/** DDPM (Ho et al. 2020, arXiv 2006.11239; `diffusers.DDPMScheduler`). */
import { add, scale } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import { checkAlphas } from './alpha-levels.ts';
import { checkVariance, kickOf, readVariance, splitVariance } from './ddpm-variance.ts';
import { levelOfAlpha } from './level.ts';
import { readLimit } from './limit.ts';
import { betaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { checkTimesteps, type OwnSteps } from './own-steps.ts';
import { originalAt, predictionTypes } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { f32, oneMinus, root } from './single.ts';
import { spacedTimesteps, spacings } from './spacing.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * x' = μ + kick,   μ = (√ᾱ' β / (1−ᾱ)) x̂₀ + (√α (1−ᾱ') / (1−ᾱ)) x,   α = ᾱ/ᾱ', β = 1 − α   (arXiv 2006.11239, eq. 7
 * and algorithm 2).
 * @param x x_t, like x̂₀ and the kick [B,C,H,W]
 * @param alpha ᾱ of x, from 0 to 1, float32
 * @param next ᾱ' of x', above ᾱ
 * @param kick √variance · z; not given at t = 0
 */
export function ddpmStep(x: Tensor, x0: Tensor, alpha: number, next: number, kick?: Tensor): Tensor {
  const alphaNow = f32(alpha / next);
  const beta = oneMinus(alphaNow);
  const ofOriginal = f32(f32(root(next) * beta) / oneMinus(alpha));
  const ofSample = f32(f32(root(alphaNow) * oneMinus(next)) / oneMinus(alpha));
  const mean = add(scale(x0, ofOriginal), scale(x, ofSample));
  return kick ? add(mean, kick) : mean;
}

/**
 * A run of DDPM. The last step ends at ᾱ' = 1.
 * @param steps how many, from 1 to the timesteps of the training
 * @param own timesteps in place of evenly spaced ones: whole numbers that fall
 * @throws InputError for a config or steps that it does not support; a step throws it where the config
 *   wants a variance from the model and there is none
 */
export function ddpm(config: Config, steps: number, { timesteps: own }: OwnSteps = {}): Scheduler<undefined> {
  const name = 'DDPMScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, betaSchedules, name);
  const { alphasCumprod, trainTimesteps } = schedule;
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const varianceType = readVariance(options);
  const limit = readLimit(options, true);
  const spacing = options.choice('timestep_spacing', spacings, 'leading');
  const offset = options.count('steps_offset', 0);
  const read = options.finish();

  const rule = { most: trainTimesteps - 1, whole: true, falling: true };
  const timesteps = own ? checkTimesteps(name, own, rule) : spacedTimesteps(spacing, trainTimesteps, steps, offset);
  const levels = timesteps.map((t) => levelOfAlpha(at(alphasCumprod, t)));
  /** ᾱ of each call and, last, of the result. */
  const alphas = [...timesteps.map((t) => at(alphasCumprod, t)), 1];
  const calls = timesteps.map((t, i) => ({ t, alpha: at(alphas, i), next: at(alphas, i + 1) }));
  checkAlphas(name, schedule, prediction, calls);
  checkVariance(varianceType, schedule.settings, calls);

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    readsVariance: true,
    ...variancePreserving(prediction, levels),
    step(state, { index, modelOutput, sample, noise }) {
      const { output, variance } = splitVariance(modelOutput, sample);
      const [alpha, next] = [at(alphas, index), at(alphas, index + 1)];
      const denoised = limit(originalAt(prediction, sample, output, at(levels, index)));
      if (timesteps[index] === 0) return { state, denoised, sample: ddpmStep(sample, denoised, alpha, next) };
      const kick = kickOf(varianceType, alpha, next, noise(sample.shape), variance);
      return { state, denoised, sample: ddpmStep(sample, denoised, alpha, next, kick) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const DDPMScheduler: SchedulerEntry = {
  name: 'DDPMScheduler',
  short: 'ddpm',
  summary: 'the ancestral sampler that the model was trained for: one noise draw a step',
  source: 'Ho et al. 2020, arXiv 2006.11239',
  kind: 'discrete',
  own: { timesteps: true },
  create: (config, steps, own) => ddpm(config, steps, own),
};
