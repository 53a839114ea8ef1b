/** DDPM (Ho et al. 2020, arXiv 2006.11239; `diffusers.DDPMScheduler`). */
import { add, mapElements, multiply, scale } from '../tensor/arithmetic.ts';
import { exp, log } from '../tensor/math/index.ts';
import { allocate, tensor, type Tensor } from '../tensor/tensor.ts';
import { InputError } from '../tensor/errors.ts';
import { betaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { originalFrom, predictionTypes, readLimit, signalAndNoise, variancePreserving } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { spacedTimesteps, spacings } from './spacing.ts';

const f32 = Math.fround;
const varianceTypes = [
  'fixed_small',
  'fixed_small_log',
  'fixed_large',
  'fixed_large_log',
  'learned',
  'learned_range',
] as const;

/**
 * x_{t−1} = μ + √variance · z,   μ = (√ᾱ' β / (1−ᾱ)) x̂₀ + (√α (1−ᾱ') / (1−ᾱ)) x_t   (eq. 7), α = ᾱ/ᾱ', β = 1 − α, ᾱ'
 * that of the next timestep. No noise at t = 0.
 */
export function ddpm(config: Config, steps: number): Scheduler<undefined> {
  const name = 'DDPMScheduler';
  const options = readOptions(config, name);
  const { alphasCumprod, trainTimesteps } = readNoiseSchedule(options, betaSchedules, name);
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const varianceType = options.choice('variance_type', varianceTypes, 'fixed_small');
  const limit = readLimit(options, true);
  const spacing = options.choice('timestep_spacing', spacings, 'leading');
  const offset = options.count('steps_offset', 0);
  const read = options.finish();

  const timesteps = spacedTimesteps(spacing, trainTimesteps, steps, offset);
  const alphaAt = (index: number): number => (index < timesteps.length ? alphasCumprod[timesteps[index]] : 1);
  const isLearned = varianceType === 'learned' || varianceType === 'learned_range';

  /** The factor of z: a number, or a value for each element. */
  const deviation = (
    alpha: number,
    nextAlpha: number,
    beta: number,
    predicted: Tensor | undefined,
  ): number | Tensor => {
    const smallest = Math.max(f32(f32(f32(1 - nextAlpha) / f32(1 - alpha)) * beta), f32(1e-20));
    switch (varianceType) {
      case 'fixed_small':
        return f32(Math.sqrt(smallest));
      case 'fixed_small_log':
        return f32(exp(f32(0.5 * f32(log(smallest)))));
      case 'fixed_large':
        return f32(Math.sqrt(beta));
      // As in diffusers, which takes the root of the logarithm of β: not a number for any β below 1.
      case 'fixed_large_log':
        return f32(Math.sqrt(f32(log(beta))));
      case 'learned':
        return mapElements(required(predicted, varianceType), Math.sqrt);
      case 'learned_range': {
        const [low, high] = [f32(log(smallest)), f32(log(beta))];
        const fraction = mapElements(required(predicted, varianceType), (value) => (value + 1) / 2);
        const logarithm = add(
          scale(fraction, high),
          scale(
            mapElements(fraction, (value) => 1 - value),
            low,
          ),
        );
        return mapElements(scale(logarithm, 0.5), exp);
      }
    }
  };

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    readsVariance: true,
    ...variancePreserving(prediction, (index) => signalAndNoise(alphaAt(index))),
    step(state, { index, modelOutput, sample, noise }) {
      const { output, variance } = splitVariance(modelOutput, sample.shape[1]);
      const alpha = alphaAt(index);
      const nextAlpha = alphaAt(index + 1);
      const currentAlpha = f32(alpha / nextAlpha);
      const beta = f32(1 - currentAlpha);

      const denoised = limit(originalFrom(prediction, sample, output, alpha));
      const ofDenoised = f32(f32(f32(Math.sqrt(nextAlpha)) * beta) / f32(1 - alpha));
      const ofSample = f32(f32(f32(Math.sqrt(currentAlpha)) * f32(1 - nextAlpha)) / f32(1 - alpha));
      const mean = add(scale(denoised, ofDenoised), scale(sample, ofSample));
      if (timesteps[index] === 0) return { state, denoised, sample: mean };

      const z = noise(sample.shape);
      const factor = deviation(alpha, nextAlpha, beta, isLearned ? variance : undefined);
      const kick = typeof factor === 'number' ? scale(z, factor) : multiply(factor, z);
      return { state, denoised, sample: add(mean, kick) };
    },
  };
}

/** The prediction, and the variance that a model with twice the channels predicts behind it. */
function splitVariance(output: Tensor, channels: number): { output: Tensor; variance: Tensor | undefined } {
  if (output.shape[1] !== 2 * channels) return { output, variance: undefined };
  const [batch, , ...extents] = output.shape;
  const size = output.data.length / (2 * batch);
  const half = (part: 0 | 1): Tensor => {
    const data = allocate(output.dtype, batch * size);
    for (let b = 0; b < batch; b++)
      data.set(output.data.subarray((2 * b + part) * size, (2 * b + part + 1) * size), b * size);
    return tensor(output.dtype, [batch, channels, ...extents], data);
  };
  return { output: half(0), variance: half(1) };
}

function required(predicted: Tensor | undefined, varianceType: string): Tensor {
  if (!predicted) {
    throw new InputError(
      `DDPMScheduler: variance_type "${varianceType}" needs a model that predicts a variance: with twice as many channels out as in`,
    );
  }
  return predicted;
}
