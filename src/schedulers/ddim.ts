/** DDIM (Song et al. 2021, arXiv 2010.02502; `diffusers.DDIMScheduler`). */
import { add, scale } from '../tensor/arithmetic.ts';
import { readNoiseSchedule } from './noise-schedule.ts';
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
import { spacedTimesteps, spacings } from './spacing.ts';

const f32 = Math.fround;

/**
 * x_{t−1} = √ᾱ' x̂₀ + √(1 − ᾱ' − σ²) ε + σ z,   σ = η √((1−ᾱ')/(1−ᾱ)) √(1 − ᾱ/ᾱ')   (eq. 12 and 16), ᾱ' that of the
 * next timestep.
 * @param eta η: 0 for the deterministic sampler, 1 for the noise of DDPM
 */
export function ddim(config: Config, steps: number, eta = 0): Scheduler<undefined> {
  const name = 'DDIMScheduler';
  const options = readOptions(config, name);
  const { alphasCumprod, trainTimesteps } = readNoiseSchedule(
    options,
    ['linear', 'scaled_linear', 'squaredcos_cap_v2'],
    name,
  );
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const limit = readLimit(options, true);
  const spacing = options.choice('timestep_spacing', spacings, 'leading');
  const offset = options.count('steps_offset', 0);
  const lastAlpha = options.flag('set_alpha_to_one', true) ? 1 : alphasCumprod[0];
  const read = options.finish();

  const timesteps = spacedTimesteps(spacing, trainTimesteps, steps, offset);
  const stride = Math.floor(trainTimesteps / steps);
  const alphaAt = (index: number): number => alphasCumprod[timesteps[index]];

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    ...variancePreserving(prediction, (index) => signalAndNoise(alphaAt(index))),
    step(state, { index, modelOutput, sample, noise }) {
      const alpha = alphaAt(index);
      const next = timesteps[index] - stride;
      const nextAlpha = next >= 0 ? alphasCumprod[next] : lastAlpha;

      const denoised = limit(originalFrom(prediction, sample, modelOutput, alpha));
      const epsilon = epsilonFrom(prediction, sample, modelOutput, alpha);

      const variance = f32(f32(f32(1 - nextAlpha) / f32(1 - alpha)) * f32(1 - f32(alpha / nextAlpha)));
      const sigma = f32(f32(eta) * f32(Math.sqrt(variance)));
      const direction = f32(Math.sqrt(f32(f32(1 - nextAlpha) - f32(sigma * sigma))));
      const mean = add(scale(denoised, f32(Math.sqrt(nextAlpha))), scale(epsilon, direction));
      return { state, denoised, sample: eta > 0 ? add(mean, scale(noise(sample.shape), sigma)) : mean };
    },
  };
}
