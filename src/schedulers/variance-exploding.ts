/**
 * What the schedulers of k-diffusion share. They work on x = x₀ + σε, whose noise grows and whose signal does not; the
 * model, trained on √ᾱ x₀ + √(1−ᾱ) ε, is given x/√(σ² + 1), which is the same. An ε model then says dx/dσ = ε. All
 * tensors have the shape of x, [B,C,H,W]; σ is at least 0.
 */
import { add, addScaled, divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import { forwardProcess } from './level.ts';
import type { PredictionType } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';

/** x̂₀ from what the model says of x/√(σ² + 1). */
export function denoise(type: PredictionType, x: Tensor, output: Tensor, sigma: number): Tensor {
  switch (type) {
    case 'epsilon':
      return subtract(x, scale(output, sigma));
    case 'sample':
      return output;
    case 'v_prediction':
      return add(scale(output, -sigma / Math.sqrt(sigma * sigma + 1)), divideBy(x, sigma * sigma + 1));
  }
}

/** d = dx/dσ = (x − x̂₀)/σ (Karras et al. 2022, arXiv 2206.00364, algorithm 1; k-diffusion's `to_d`). */
export function slope(x: Tensor, x0: Tensor, sigma: number): Tensor {
  return divideBy(subtract(x, x0), sigma);
}

/** x' = x + (σ' − σ) d: straight on with the slope d, from σ to σ'. */
export function along(x: Tensor, d: Tensor, sigma: number, next: number): Tensor {
  return addScaled(x, next - sigma, d);
}

/** The two parts of an ancestral step. */
export interface AncestralSplit {
  /** σ_down, at the end of the way along the ODE, from 0. */
  readonly down: number;
  /** σ_up, the deviation of the noise that leads up again, from 0. */
  readonly up: number;
}

/**
 * A step from σ to σ' in two parts: along the ODE to σ_down, then up by fresh noise, which undoes errors:
 * σ_up² = η² σ'² (σ² − σ'²)/σ², at most σ'², and σ_down² = σ'² − σ_up² (k-diffusion's `get_ancestral_step`).
 * @param eta η: 1 for as much noise as the SDE has, 0 for none
 */
export function ancestralSplit(sigma: number, next: number, eta: number): AncestralSplit {
  const up = eta === 0 ? 0 : Math.min(next, eta * Math.sqrt((next ** 2 * (sigma ** 2 - next ** 2)) / sigma ** 2));
  return { down: Math.sqrt(next ** 2 - up ** 2), up };
}

/**
 * x' = x + (σ_down − σ) d + σ_up z (k-diffusion's `sample_euler_ancestral` and, d being the slope half way,
 * `sample_dpm_2_ancestral`).
 * @param z standard normal; not given where σ_up is 0
 */
export function ancestralStep(x: Tensor, d: Tensor, sigma: number, { down, up }: AncestralSplit, z?: Tensor): Tensor {
  const mean = along(x, d, sigma, down);
  return z ? addScaled(mean, up, z) : mean;
}

/** What does not depend on the method. @param sigmas σ of the sample that the model sees, one for each call of it */
export function varianceExploding(
  prediction: PredictionType,
  sigmas: readonly number[],
): Pick<Scheduler, 'scaleModelInput' | 'levelAt' | 'addNoise' | 'predictOriginal'> {
  return {
    scaleModelInput: (sample, index) => divideBy(sample, Math.sqrt(at(sigmas, index) ** 2 + 1)),
    ...forwardProcess(sigmas.map((sigma) => ({ signal: 1, noise: sigma }))),
    predictOriginal: (sample, output, index) => denoise(prediction, sample, output, at(sigmas, index)),
  };
}
