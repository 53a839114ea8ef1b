/** Latent consistency models (Luo et al. 2023, arXiv 2310.04378; `diffusers.LCMScheduler`). */
import { addScaled, scale } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import { checkAlphas } from './alpha-levels.ts';
import { consistencyTimesteps, type ConsistencyChoices } from './consistency-timesteps.ts';
import { diffuse, levelOfAlpha } from './level.ts';
import { readLimit } from './limit.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { originalAt, predictionTypes } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { f32, root } from './single.ts';
import { spacings } from './spacing.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/** σ_d, the deviation of the data, as the models were distilled. */
const sigmaData = 0.5;

/**
 * f(x, t) = c_skip x + c_out x̂₀,   c_skip = σ_d²/(s² + σ_d²), c_out = s/√(s² + σ_d²), s = scaling · t   (arXiv
 * 2310.04378): at t = 0 it is the identity, whatever the model says.
 * @param x x_t, like x̂₀ [B,C,H,W]
 * @param t the timestep, from 0
 * @param scaling timestep_scaling, 10 in the models that there are
 */
export function consistent(x: Tensor, x0: Tensor, t: number, scaling: number): Tensor {
  const s = f32(t * f32(scaling));
  const total = f32(f32(s * s) + sigmaData ** 2);
  const skip = f32(sigmaData ** 2 / total);
  const out = f32(s / root(total));
  return addScaled(scale(x0, out), skip, x);
}

/**
 * A run of LCM: to the consistent x̂₀ at once; then `diffuse` to the next timestep with fresh noise, but for the last
 * step (multistep consistency sampling).
 * @param steps how many, from 1 to original_inference_steps
 * @param own timesteps in place of those of the distillation: whole numbers that fall; the strength of a picture
 * @throws InputError for a config or a number of steps that it does not support
 */
export function lcm(config: Config, steps: number, own: ConsistencyChoices = {}): Scheduler<undefined> {
  const name = 'LCMScheduler';
  const options = readOptions(config, name);
  const defaults = { start: 0.00085, end: 0.012, schedule: 'scaled_linear' } as const;
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, defaults);
  const { alphasCumprod, trainTimesteps } = schedule;
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const limit = readLimit(options, false);
  const originalSteps = options.count('original_inference_steps', 50);
  const scaling = options.number('timestep_scaling', 10);
  // Keys that the class has and does not use.
  options.flag('set_alpha_to_one', true);
  options.count('steps_offset', 0);
  options.choice('timestep_spacing', spacings, 'leading');
  const read = options.finish();

  const timesteps = consistencyTimesteps(name, trainTimesteps, originalSteps, steps, own);
  const alphas = timesteps.map((t) => at(alphasCumprod, t));
  const levels = alphas.map(levelOfAlpha);
  const calls = timesteps.map((t, i) => ({ t, alpha: at(alphas, i), next: 1 }));
  checkAlphas(name, schedule, prediction, calls, true);
  if (!Number.isFinite(f32((scaling * trainTimesteps) ** 2)))
    throw new InputError(`${name}: timestep_scaling is ${scaling}, whose product with a timestep has no finite square`);

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    ...variancePreserving(prediction, levels),
    step(state, { index, modelOutput, sample, noise }) {
      const original = limit(originalAt(prediction, sample, modelOutput, at(levels, index)));
      const denoised = consistent(sample, original, at(timesteps, index), scaling);
      if (index === timesteps.length - 1) return { state, denoised, sample: denoised };
      return { state, denoised, sample: diffuse(denoised, noise(sample.shape), at(levels, index + 1)) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const LCMScheduler: SchedulerEntry = {
  name: 'LCMScheduler',
  short: 'lcm',
  summary: 'for consistency models: to x̂₀ at once, then noise again',
  source: 'Luo et al. 2023, arXiv 2310.04378',
  kind: 'discrete',
  own: { timesteps: true },
  strength: true,
  create: (config, steps, own) => lcm(config, steps, own),
};
