/**
 * What the model predicts, and what it means: with x_t = α x₀ + σ ε, a model of ε, of x₀, or of v = α ε − σ x₀
 * (Salimans & Ho 2022, arXiv 2202.00512) says the same in three ways. All tensors have the shape of x_t, [B,C,H,W].
 */
import { add, divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { NoiseLevel } from './level.ts';

/** The values of prediction_type that all schedulers share. */
export const predictionTypes = ['epsilon', 'sample', 'v_prediction'] as const;
/** What a model of noisy pictures predicts: ε, x₀ or v. */
export type PredictionType = (typeof predictionTypes)[number];

/** x̂₀ from what the model says of x_t. A flow, α = 1 − σ, is predicted by its direction v = ε − x₀. */
export function originalAt(
  type: PredictionType | 'flow_prediction',
  x: Tensor,
  output: Tensor,
  { signal, noise }: NoiseLevel,
): Tensor {
  switch (type) {
    case 'epsilon':
      return divideBy(subtract(x, scale(output, noise)), signal);
    case 'sample':
      return output;
    case 'v_prediction':
      return subtract(scale(x, signal), scale(output, noise));
    case 'flow_prediction':
      return subtract(x, scale(output, noise));
  }
}

/** ε from what the model says of x_t. */
export function epsilonAt(type: PredictionType, x: Tensor, output: Tensor, { signal, noise }: NoiseLevel): Tensor {
  switch (type) {
    case 'epsilon':
      return output;
    case 'sample':
      return divideBy(subtract(x, scale(output, signal)), noise);
    case 'v_prediction':
      return add(scale(output, signal), scale(x, noise));
  }
}
