/**
 * Trajectory consistency distillation, strategic stochastic sampling (Zheng et al. 2024, arXiv 2402.19159;
 * `diffusers.TCDScheduler`).
 */
import type { Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import { checkAlphas } from './alpha-levels.ts';
import { consistencyTimesteps, type ConsistencyChoices } from './consistency-timesteps.ts';
import { diffuse, levelOfAlpha } from './level.ts';
import { readLimit } from './limit.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { epsilonAt, originalAt, predictionTypes } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { f32, oneMinus } from './single.ts';
import { spacings } from './spacing.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * Down to s along DDIM's line, x_s = √ᾱ_s x̂₀ + √(1−ᾱ_s) ε; then up to t' by noise, x' = √(ᾱ'/ᾱ_s) x_s +
 * √(1 − ᾱ'/ᾱ_s) z (arXiv 2402.19159).
 * @param x0 x̂₀, like ε and z [B,C,H,W]
 * @param alphaS ᾱ_s, from 0 to 1, float32; at s = ⌊(1 − γ) t'⌋
 * @param next ᾱ' of x', at most ᾱ_s
 * @param z standard normal; not given where s = t'
 */
export function tcdStep(x0: Tensor, epsilon: Tensor, alphaS: number, next: number, z?: Tensor): Tensor {
  const xS = diffuse(x0, epsilon, levelOfAlpha(alphaS));
  return z ? diffuse(xS, z, levelOfAlpha(f32(next / alphaS))) : xS;
}

/**
 * A run of TCD. The last step goes to timestep 0 and adds no noise.
 * @param steps how many, from 1 to original_inference_steps
 * @param eta γ, from 0 to 1: 0 for no noise, 1 to start each step from x̂₀
 * @param own timesteps in place of those of the distillation: whole numbers that fall; the strength of a picture
 * @throws InputError for a config or a number of steps that it does not support
 */
export function tcd(config: Config, steps: number, eta = 0.3, own: ConsistencyChoices = {}): Scheduler<undefined> {
  const name = 'TCDScheduler';
  const options = readOptions(config, name);
  const defaults = { start: 0.00085, end: 0.012, schedule: 'scaled_linear' } as const;
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, defaults);
  const { alphasCumprod, trainTimesteps } = schedule;
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const originalSteps = options.count('original_inference_steps', 50);
  // Keys that the class has and does not use.
  readLimit(options, false);
  options.flag('set_alpha_to_one', true);
  options.count('steps_offset', 0);
  options.choice('timestep_spacing', spacings, 'leading');
  options.number('timestep_scaling', 10);
  const read = options.finish();

  const timesteps = consistencyTimesteps(name, trainTimesteps, originalSteps, steps, own);
  const levels = timesteps.map((t) => levelOfAlpha(at(alphasCumprod, t)));
  /** ᾱ_s and ᾱ' of each step. */
  const targets = [...timesteps.slice(1), 0].map((next) => ({
    alphaS: at(alphasCumprod, Math.floor(f32(oneMinus(eta) * next))),
    next: at(alphasCumprod, next),
  }));
  const calls = timesteps.map((t, i) => ({ t, alpha: at(alphasCumprod, t), next: at(targets, i).alphaS }));
  checkAlphas(name, schedule, prediction, calls, prediction !== 'sample');

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    ...variancePreserving(prediction, levels),
    step(state, { index, modelOutput, sample, noise }) {
      const isLast = index === timesteps.length - 1;
      const denoised = originalAt(prediction, sample, modelOutput, at(levels, index));
      const epsilon = epsilonAt(prediction, sample, modelOutput, at(levels, index));
      const { alphaS, next } = at(targets, index);
      const z = isLast || eta === 0 ? undefined : noise(sample.shape);
      return { state, denoised, sample: tcdStep(denoised, epsilon, alphaS, next, z) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const TCDScheduler: SchedulerEntry = {
  name: 'TCDScheduler',
  short: 'tcd',
  summary: 'for trajectory consistency models: down the line of DDIM, part of the way up by noise',
  source: 'Zheng et al. 2024, arXiv 2402.19159',
  kind: 'discrete',
  eta: 0.3,
  mostEta: 1,
  own: { timesteps: true },
  strength: true,
  create: (config, steps, { eta, ...own }) => tcd(config, steps, eta, own),
};
