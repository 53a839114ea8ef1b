/**
 * Predictions as velocities. Guidances of flow models are defined on v = dx/dt along x_t = (1 − t) x₀ + t ε, that is on
 * u = ε − x₀. A diffusion model knows the same path: x_t = α x₀ + σ ε, divided by α + σ, is that of a flow at the time
 * t = σ/(α + σ). So u = ε̂ − x̂₀ of any model, whether it predicts ε, v or x₀:
 *
 *     u = (x_t − (α + σ) x̂₀) / σ
 *
 * At one x_t predictions p and velocities differ in proportion, Δu = κ Δp, κ = −(α + σ)/σ · ∂x̂₀/∂p: for ε it is
 * (α + σ)/α, for v α + σ, for a flow model's own prediction 1. That is the way back.
 */
import { combine } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { GuidanceStep } from './guidance.ts';

/**
 * κ, how much velocities differ where predictions differ by 1.
 * @throws InputError where it is no number, or 0: at a step without noise, or with nothing else
 */
export function velocityScale({ index, signal, noise, originalPerPrediction }: GuidanceStep): number {
  const kappa = (-(signal + noise) / noise) * originalPerPrediction;
  if (Number.isFinite(kappa) && kappa !== 0) return kappa;
  throw new InputError(
    `the guidance acts on velocities, but at step ${index} (signal ${signal}, noise ${noise}) a prediction says ` +
      'nothing of one; leave the step out by an interval of the guidance',
  );
}

/** u of a prediction, [B,C,H,W]. */
export function velocityOf({ sample, signal, noise, toOriginal }: GuidanceStep, prediction: Tensor): Tensor {
  return combine([
    [1 / noise, sample],
    [-(signal + noise) / noise, toOriginal(prediction)],
  ]);
}
