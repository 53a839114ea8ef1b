/** How a model's prediction changes with its input. */
import { gradient, gradientName } from '../kernels/gradients/gradient.ts';
import { sumOverAll } from '../kernels/gradients/sums.ts';
import { aBackend, tensorOf, type Backend, type Program } from '../kernels/kernels.ts';
import { addScaled } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { aFunction } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { PictureModel } from './autoencoder.ts';
import { aCondition, type Condition } from './condition.ts';
import { lossGradient } from './loss-gradient.ts';
import { aModel, programFor, type Model, type ModelInput } from './model.ts';
import { forwardPasses, runModel, unwatched } from './passes.ts';
import { unperturbed } from './stage.ts';

/** A prediction, and the way back through the network. */
export interface Slope {
  /** p(x), [B,C,H,W]. */
  readonly prediction: Tensor;
  /** Jᵀv: how v · p changes with x. v and the result are [B,C,H,W]. */
  transposed(v: Tensor): Tensor;
}

/**
 * Where a model's prediction leads from a sample.
 * @param sample x, [B,C,H,W], as the model is given it
 * @param prediction p(x) where it is known already; it is not computed again then
 */
export type ModelSlope = (sample: Tensor, timestep: number, prediction?: Tensor) => Slope;

/** A slope of a model. */
export const aModelSlope = aFunction('a function, as modelSlope(unet, backend) gives it');

/**
 * The slope of a model's prediction. It is read off the gradient of the squared error: with a target of p − v N/2, the
 * mean of the squares of N errors changes with Jᵀv.
 * @param condition of the samples, as `classConditions` makes it; none for an unconditional model
 * @throws InputError for what is no model, no backend and no condition; (the function) when the sample does not fit the
 *   model, or its family cannot be derived
 */
export function modelSlope<State>(
  model: Model<unknown, ModelInput, State>,
  backend: Backend,
  condition: Condition = {},
): ModelSlope {
  aModel('the model', model);
  aBackend('the backend', backend);
  aCondition('the condition', condition);
  return (sample, timestep, known) => {
    const input = { sample, timesteps: [timestep], ...condition };
    const prediction = known ?? at(runModel(model, backend, input).predictions, 0);
    return {
      prediction,
      transposed(v) {
        const target = addScaled(prediction, -v.data.length / 2, v);
        return lossGradient(model, backend, input, target, { for: 'sample' }).sample;
      },
    };
  };
}

/**
 * What one way of an autoencoder makes of a sample, and the way back through it.
 * @throws InputError when the sample does not fit
 */
export function pictureSlope<Config>(model: PictureModel<Config>, backend: Backend, sample: Tensor): Slope {
  return {
    prediction: at(runModel(model, backend, { sample }).predictions, 0),
    transposed: (v) =>
      tensorOf(
        backend.run(transposedProgram(model), { ...model.tensors({ sample }, model.weights, model.dtype), along: v }),
        gradientName('sample'),
      ),
  };
}

/** From `sample` and `along`, of the shape of what comes out, to `grad.sample`: Jᵀ along. */
function transposedProgram<Config>(model: PictureModel<Config>): Program {
  const along: Program = (kernels, given) => {
    const outputs = forwardPasses(model, kernels, given, [unperturbed], () => unwatched);
    return { sum: sumOverAll(kernels, kernels.multiply(at(outputs, 0), tensorOf(given, 'along'))) };
  };
  return programFor(model, 'the way back through it', () => {
    const derived = gradient(along, 'sum', ['sample']);
    return (kernels, given) => {
      const results = derived(kernels, given);
      return { [gradientName('sample')]: tensorOf(results, gradientName('sample')) };
    };
  });
}
