/** How x̂₀ is kept in the range of pictures: not at all, clipped, or by dynamic thresholding. */
import { absQuantile, clamp, divideBy } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Options } from './options.ts';

/** x̂₀ as it is used, [B,C,H,W] like x̂₀. */
export type Limit = (denoised: Tensor) => Tensor;

/**
 * Reads clip_sample, clip_sample_range, thresholding, dynamic_thresholding_ratio, sample_max_value.
 * @throws InputError for values that are not supported
 */
export function readLimit(options: Options, clipByDefault: boolean): Limit {
  const clip = readClip(options, clipByDefault);
  const threshold = readThreshold(options);
  return threshold ?? clip;
}

/** Reads clip_sample, clip_sample_range. @throws InputError for values that are not supported */
export function readClip(options: Options, byDefault: boolean): Limit {
  const clips = options.flag('clip_sample', byDefault);
  const range = options.number('clip_sample_range', 1);
  if (clips && !(range > 0)) throw new InputError(`clip_sample_range is ${range}; expected a number above 0`);
  return clips ? (denoised) => clamp(denoised, -range, range) : (denoised) => denoised;
}

/**
 * Reads thresholding, dynamic_thresholding_ratio, sample_max_value. Undefined where there is no thresholding.
 * @throws InputError for values that are not supported
 */
export function readThreshold(options: Options): Limit | undefined {
  const thresholds = options.flag('thresholding', false);
  const ratio = options.number('dynamic_thresholding_ratio', 0.995);
  if (!(ratio >= 0 && ratio <= 1))
    throw new InputError(`dynamic_thresholding_ratio is ${ratio}; it is a quantile, from 0 to 1`);
  const largest = options.number('sample_max_value', 1);
  if (thresholds && !(Math.fround(largest) > 0))
    throw new InputError(`sample_max_value is ${largest}; expected a number above 0, by which x̂₀ may be divided`);
  return thresholds ? (denoised) => dynamicThreshold(denoised, ratio, largest) : undefined;
}

/**
 * Dynamic thresholding (Saharia et al. 2022, arXiv 2205.11487): clip each sample to its own range [−s, s], s a quantile
 * of |x̂₀| between 1 and `largest`, and divide by s. Of 16 bits it is computed in float32 and rounded once, as in
 * diffusers.
 * @param denoised x̂₀, [B,C,H,W]
 * @param ratio which quantile, from 0 to 1
 */
function dynamicThreshold(denoised: Tensor, ratio: number, largest: number): Tensor {
  if (denoised.dtype === 'f16' || denoised.dtype === 'bf16')
    return cast(dynamicThreshold(cast(denoised, 'f32'), ratio, largest), denoised.dtype);
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
