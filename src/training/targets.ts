/**
 * What a model is asked: of x_t = α x₀ + σ ε to say ε, x₀ or v = α ε − σ x₀, and how much each timestep counts. All
 * tensors have the shape of x₀, [B,C,H,W]; there is a level for each sample.
 */
import { levelOfAlpha, type NoiseLevel } from '../schedulers/level.ts';
import type { NoiseSchedule } from '../schedulers/noise-schedule.ts';
import { predictionTypes, type PredictionType } from '../schedulers/prediction.ts';
import { f32 } from '../schedulers/single.ts';
import { combine } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { oneOf, whole } from '../tensor/checks.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';

/**
 * α and σ of each sample, from ᾱ in float32; their roots are taken in the precision of the training, as diffusers'
 * `add_noise` does.
 * @param timesteps whole numbers from 0 to T − 1, one for each sample
 * @throws InputError for others
 */
export function levelsAt(
  { alphasCumprod }: NoiseSchedule,
  timesteps: readonly number[],
  dtype: DType,
): readonly NoiseLevel[] {
  const last = alphasCumprod.length - 1;
  for (const t of timesteps) whole(0, last)('a timestep of the training', t);
  const wide = (alpha: number): NoiseLevel => ({ signal: Math.sqrt(alpha), noise: Math.sqrt(1 - alpha) });
  return timesteps.map((t) => (dtype === 'f64' ? wide : levelOfAlpha)(at(alphasCumprod, t)));
}

/** x_t = α x₀ + σ ε. */
export function noised(x0: Tensor, noise: Tensor, levels: readonly NoiseLevel[]): Tensor {
  return combine([
    [levels.map(({ signal }) => signal), x0],
    [levels.map((level) => level.noise), noise],
  ]);
}

const aType = oneOf(predictionTypes);

/** What the model should say of x_t. @throws InputError where that is nothing that models predict */
export function targetOf(type: PredictionType, x0: Tensor, noise: Tensor, levels: readonly NoiseLevel[]): Tensor {
  aType('what is predicted', type);
  switch (type) {
    case 'epsilon':
      return noise;
    case 'sample':
      return x0;
    case 'v_prediction':
      return combine([
        [levels.map(({ signal }) => signal), noise],
        [levels.map((level) => -level.noise), x0],
      ]);
  }
}

/**
 * How much the squared error of a sample counts by min-SNR (Hang et al. 2023, arXiv 2303.09556): as an error of x₀ by
 * min(SNR, γ), SNR = α²/σ². An error of ε is one of x₀ times √SNR, one of v times √(SNR + 1). In float32, each
 * operation rounded, as `compute_snr` of diffusers.
 * @param level from `levelsAt`, in f32
 * @param gamma γ, above 0; 5 in the paper
 * @throws InputError as `targetOf`
 */
export function minSnrWeight(type: PredictionType, level: NoiseLevel, gamma: number): number {
  aType('what is predicted', type);
  const ratio = f32(level.signal / level.noise);
  const snr = f32(ratio * ratio);
  const most = Math.min(snr, f32(gamma));
  switch (type) {
    case 'epsilon':
      return snr === 0 ? 1 : f32(most / snr);
    case 'sample':
      return most;
    case 'v_prediction':
      return f32(most / f32(snr + 1));
  }
}
