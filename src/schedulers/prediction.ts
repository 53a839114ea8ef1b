/**
 * What the model predicts, and what it means: with x_t = √ᾱ x₀ + √(1−ᾱ) ε, a model of ε, of x₀, or of
 * v = √ᾱ ε − √(1−ᾱ) x₀ (Salimans & Ho 2022, arXiv 2202.00512) says the same in three ways.
 */
import { InputError } from '../tensor/errors.ts';
import { absQuantile, add, clamp, divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Options } from './options.ts';
import type { Scheduler } from './scheduler.ts';

export const predictionTypes = ['epsilon', 'sample', 'v_prediction'] as const;
export type PredictionType = (typeof predictionTypes)[number];

const f32 = Math.fround;

/** The two factors in x_t = signal · x₀ + noise · ε. */
export interface NoiseLevel {
  readonly signal: number;
  readonly noise: number;
}

/** √ᾱ and √(1−ᾱ), float32 as in PyTorch. */
export function signalAndNoise(alphaCumprod: number): NoiseLevel {
  return { signal: f32(Math.sqrt(alphaCumprod)), noise: f32(Math.sqrt(f32(1 - alphaCumprod))) };
}

/** x̂₀. */
export function originalFrom(type: PredictionType, sample: Tensor, output: Tensor, alphaCumprod: number): Tensor {
  return originalAt(type, sample, output, signalAndNoise(alphaCumprod));
}

/** ε. */
export function epsilonFrom(type: PredictionType, sample: Tensor, output: Tensor, alphaCumprod: number): Tensor {
  return epsilonAt(type, sample, output, signalAndNoise(alphaCumprod));
}

/** x̂₀ where x_t = signal · x₀ + noise · ε. */
export function originalAt(
  type: PredictionType | 'flow_prediction',
  sample: Tensor,
  output: Tensor,
  { signal, noise }: NoiseLevel,
): Tensor {
  switch (type) {
    case 'epsilon':
      return divideBy(subtract(sample, scale(output, noise)), signal);
    case 'sample':
      return output;
    case 'v_prediction':
      return subtract(scale(sample, signal), scale(output, noise));
    case 'flow_prediction':
      return subtract(sample, scale(output, noise)); // v = ε − x₀, signal = 1 − noise
  }
}

/** ε where x_t = signal · x₀ + noise · ε. */
export function epsilonAt(type: PredictionType, sample: Tensor, output: Tensor, { signal, noise }: NoiseLevel): Tensor {
  switch (type) {
    case 'epsilon':
      return output;
    case 'sample':
      return divideBy(subtract(sample, scale(output, signal)), noise);
    case 'v_prediction':
      return add(scale(output, signal), scale(sample, noise));
  }
}

/** How x̂₀ is kept in the range of pictures: not at all, clipped, or by dynamic thresholding. */
export type Limit = (denoised: Tensor) => Tensor;

/** Reads clip_sample, clip_sample_range, thresholding, dynamic_thresholding_ratio, sample_max_value. */
export function readLimit(options: Options, clipByDefault: boolean): Limit {
  const clip = readClip(options, clipByDefault);
  const threshold = readThreshold(options);
  return threshold ?? clip;
}

/** Reads clip_sample, clip_sample_range. */
export function readClip(options: Options, byDefault: boolean): Limit {
  const clips = options.flag('clip_sample', byDefault);
  const range = options.number('clip_sample_range', 1);
  return clips ? (denoised) => clamp(denoised, -range, range) : (denoised) => denoised;
}

/** Reads thresholding, dynamic_thresholding_ratio, sample_max_value. Undefined where there is no thresholding. */
export function readThreshold(options: Options): Limit | undefined {
  const thresholds = options.flag('thresholding', false);
  const ratio = options.number('dynamic_thresholding_ratio', 0.995);
  if (!(ratio >= 0 && ratio <= 1))
    throw new InputError(`dynamic_thresholding_ratio is ${ratio}; it is a quantile, from 0 to 1`);
  const largest = options.number('sample_max_value', 1);
  return thresholds ? (denoised) => dynamicThreshold(denoised, ratio, largest) : undefined;
}

/**
 * Dynamic thresholding (Saharia et al. 2022, arXiv 2205.11487): clip each sample to its own range [−s, s], s a quantile
 * of |x̂₀| between 1 and `largest`, and divide by s.
 */
export function dynamicThreshold(denoised: Tensor, ratio: number, largest: number): Tensor {
  const s = absQuantile(denoised, ratio).map((quantile) => Math.min(Math.max(quantile, 1), largest));
  return divideBy(
    clamp(
      denoised,
      s.map((limit) => -limit),
      s,
    ),
    s,
  );
}

/**
 * What all schedulers on x_t = signal · x₀ + noise · ε have in common: the model is given x_t as it is, and x_T is
 * standard normal noise.
 * @param levelAt the level of x_t at the call `index` of the model
 */
export function variancePreserving(
  prediction: PredictionType | 'flow_prediction',
  levelAt: (index: number) => NoiseLevel,
): Pick<Scheduler, 'initNoiseSigma' | 'scaleModelInput' | 'addNoise' | 'predictOriginal'> {
  return {
    initNoiseSigma: 1,
    scaleModelInput: (sample) => sample,
    addNoise: (original, noise, index) =>
      add(scale(original, levelAt(index).signal), scale(noise, levelAt(index).noise)),
    predictOriginal: (sample, output, index) => originalAt(prediction, sample, output, levelAt(index)),
  };
}
