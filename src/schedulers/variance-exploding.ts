/**
 * What the schedulers of k-diffusion share. They work on x = x₀ + σε, whose noise grows and whose signal does not; the
 * model, trained on √ᾱ x₀ + √(1−ᾱ) ε, is given x/√(σ² + 1), which is the same. An ε model then says dx/dσ = ε.
 */
import { add, addScaled, divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { PredictionType } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';

/** x̂₀ from what the model says of x/√(σ² + 1). */
export function denoise(type: PredictionType, sample: Tensor, output: Tensor, sigma: number): Tensor {
  switch (type) {
    case 'epsilon':
      return subtract(sample, scale(output, sigma));
    case 'sample':
      return output;
    case 'v_prediction':
      return add(scale(output, -sigma / Math.sqrt(sigma * sigma + 1)), divideBy(sample, sigma * sigma + 1));
  }
}

/** dx/dσ = (x − x̂₀)/σ. */
export function slope(sample: Tensor, denoised: Tensor, sigma: number): Tensor {
  return divideBy(subtract(sample, denoised), sigma);
}

/** What does not depend on the method. @param sigmaAt σ of the sample that the model sees at call `index` */
export function varianceExploding(
  prediction: PredictionType,
  sigmaAt: (index: number) => number,
): Pick<Scheduler, 'scaleModelInput' | 'addNoise' | 'predictOriginal'> {
  return {
    scaleModelInput: (sample, index) => divideBy(sample, Math.sqrt(sigmaAt(index) ** 2 + 1)),
    addNoise: (original, noise, index) => addScaled(original, sigmaAt(index), noise),
    predictOriginal: (sample, output, index) => denoise(prediction, sample, output, sigmaAt(index)),
  };
}

/**
 * A step down to `to` in two parts: along the ODE to a smaller σ, then up again by fresh noise, which undoes errors. η
 * scales the noise: 1 for as much as the SDE has, 0 for none.
 */
export function ancestralSplit(from: number, to: number, eta: number): { down: number; up: number } {
  const up = Math.min(to, eta * Math.sqrt((to ** 2 * (from ** 2 - to ** 2)) / from ** 2));
  return { down: Math.sqrt(to ** 2 - up ** 2), up };
}
