/** How a model's prediction changes with its input. */
import type { Backend } from '../kernels/kernels.ts';
import type { Condition } from '../models/condition.ts';
import { lossGradient } from '../models/loss-gradient.ts';
import type { Model, ModelInput } from '../models/model.ts';
import { runModel } from '../models/passes.ts';
import { addScaled } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A prediction, and the way back through the network. */
export interface Slope {
  /** p(x), [B,C,H,W]. */
  readonly prediction: Tensor;
  /** Jᵀv: how v · p changes with x. v and the result are [B,C,H,W]. */
  transposed(v: Tensor): Tensor;
}

/**
 * The slope of a model's prediction. It is read off the gradient of the squared error: with a target of p − v N/2, the
 * mean of the squares of N errors changes with Jᵀv.
 * @param condition of the samples, as `classConditions` makes it; none for an unconditional model
 * @throws InputError (the function) when the sample does not fit the model, or its family cannot be derived
 */
export function modelSlope<State>(
  model: Model<unknown, ModelInput, State>,
  backend: Backend,
  condition: Condition = {},
): (sample: Tensor, timestep: number) => Slope {
  return (sample, timestep) => {
    const input = { sample, timesteps: [timestep], ...condition };
    const prediction = at(runModel(model, backend, input).predictions, 0);
    return {
      prediction,
      transposed(v) {
        const target = addScaled(prediction, -v.data.length / 2, v);
        return lossGradient(model, backend, input, target, { for: 'sample' }).sample;
      },
    };
  };
}
