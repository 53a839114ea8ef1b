/** Latent consistency models (Luo et al. 2023, arXiv 2310.04378; `diffusers.LCMScheduler`). */
import { add, addScaled, scale } from '../tensor/arithmetic.ts';
import { consistencyTimesteps } from './consistency-timesteps.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { originalFrom, predictionTypes, readLimit, signalAndNoise, variancePreserving } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { spacings } from './spacing.ts';

const f32 = Math.fround;
const sigmaData = 0.5;

/**
 * x̂₀ = c_skip x + c_out x̂₀(x), at once; then noise of the next timestep is added to it, but for the last step.
 * c_skip = σ_d²/(s² + σ_d²), c_out = s/√(s² + σ_d²), s = timestep_scaling · t: at t = 0 the model is the identity.
 */
export function lcm(config: Config, steps: number): Scheduler<undefined> {
  const name = 'LCMScheduler';
  const options = readOptions(config, name);
  const defaults = { start: 0.00085, end: 0.012, schedule: 'scaled_linear' } as const;
  const { alphasCumprod, trainTimesteps } = readNoiseSchedule(options, commonBetaSchedules, name, defaults);
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const limit = readLimit(options, false);
  const originalSteps = options.count('original_inference_steps', 50);
  const scaling = options.number('timestep_scaling', 10);
  // Keys that the class has and does not use.
  options.flag('set_alpha_to_one', true);
  options.count('steps_offset', 0);
  options.choice('timestep_spacing', spacings, 'leading');
  const read = options.finish();

  const timesteps = consistencyTimesteps(name, trainTimesteps, originalSteps, steps);
  const alphaAt = (index: number): number => alphasCumprod[timesteps[index]];
  const boundary = (timestep: number): { skip: number; out: number } => {
    const scaled = f32(timestep * f32(scaling));
    const sum = f32(f32(scaled * scaled) + sigmaData ** 2);
    return { skip: f32(sigmaData ** 2 / sum), out: f32(scaled / f32(Math.sqrt(sum))) };
  };

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    ...variancePreserving(prediction, (index) => signalAndNoise(alphaAt(index))),
    step(state, { index, modelOutput, sample, noise }) {
      const { skip, out } = boundary(timesteps[index]);
      const original = limit(originalFrom(prediction, sample, modelOutput, alphaAt(index)));
      const denoised = addScaled(scale(original, out), skip, sample);
      if (index === timesteps.length - 1) return { state, denoised, sample: denoised };
      const next = signalAndNoise(alphaAt(index + 1));
      return { state, denoised, sample: add(scale(denoised, next.signal), scale(noise(sample.shape), next.noise)) };
    },
  };
}
