/**
 * What a model is asked: of x_t = α x₀ + σ ε to say ε, x₀ or v = α ε − σ x₀, and how much each timestep counts. All
 * tensors have the shape of x₀, [B,C,H,W]; there is a level for each sample.
 */
import { levelOfAlpha, type NoiseLevel } from '../schedulers/level.ts';
import type { NoiseSchedule } from '../schedulers/noise-schedule.ts';
import type { PredictionType } from '../schedulers/prediction.ts';
import { combine } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** α and σ of each sample. @param timesteps whole numbers from 0 to T − 1, one for each sample */
export function levelsAt({ alphasCumprod }: NoiseSchedule, timesteps: readonly number[]): readonly NoiseLevel[] {
  return timesteps.map((t) => levelOfAlpha(at(alphasCumprod, t)));
}

/** x_t = α x₀ + σ ε. */
export function noised(x0: Tensor, noise: Tensor, levels: readonly NoiseLevel[]): Tensor {
  return combine([
    [levels.map(({ signal }) => signal), x0],
    [levels.map((level) => level.noise), noise],
  ]);
}

/** What the model should say of x_t. */
export function targetOf(type: PredictionType, x0: Tensor, noise: Tensor, levels: readonly NoiseLevel[]): Tensor {
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
 * min(SNR, γ), SNR = α²/σ². An error of ε is one of x₀ times √SNR, one of v times √(SNR + 1).
 * @param gamma γ, above 0; 5 in the paper
 */
export function minSnrWeight(type: PredictionType, { signal, noise }: NoiseLevel, gamma: number): number {
  const snr = (signal / noise) * (signal / noise);
  const most = Math.min(snr, gamma);
  switch (type) {
    case 'epsilon':
      return snr === 0 ? 1 : most / snr;
    case 'sample':
      return most;
    case 'v_prediction':
      return most / (snr + 1);
  }
}
