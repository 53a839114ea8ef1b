/** Guidance by what sees whole pictures only: universal guidance (Bansal et al. 2023, arXiv 2302.07121). */
import { aModelSlope, type ModelSlope } from '../models/slope.ts';
import { combine, scale } from '../tensor/arithmetic.ts';
import { aFunction, areFinite } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { SlopeAt } from './classifier.ts';
import { conditional, predictOne } from './guidance.ts';

/** ∇ log p(y|x) of pictures without noise, [B,C,H,W]: `letterSlope` makes one of the classifier of letters. */
export type OriginalSlope = (original: Tensor) => Tensor;

/**
 * ∇ log p(y|x̂₀(x_t)): the classifier sees what the model says that the picture is, and its slope goes back through the
 * model. With x̂₀ = a x_t + b p(c x_t), p the network and J its Jacobian,
 *
 *     ∇_{x_t} = a g + c Jᵀ (b g),   g = ∇ log p(y|x̂₀).
 *
 * In the `ddim` form of `classifier` this is the forward universal guidance of the paper, whose s(t) is s √(1−ᾱ).
 * @param slopeAt of the model that is guided, as `modelSlope(unet, backend, condition)` makes it
 * @param pulling towards what is asked for; what it says of each picture must not depend on the others
 * @throws InputError for what are no functions; (a step) where the classifier's slope is not finite
 */
export function throughModel(slopeAt: ModelSlope, pulling: OriginalSlope): SlopeAt {
  aModelSlope('slopeAt', slopeAt);
  aFunction('a function of a picture, as letterSlope(classifier, backend, labels) gives it')('pulling', pulling);
  return (step) => {
    const prediction = predictOne(step, conditional);
    const { timestep, sample, originalPerPrediction, originalPerSample, inputPerSample } = step;
    const towards = pulling(step.toOriginal(prediction));
    if (!areFinite(towards.data))
      throw new InputError(
        `at step ${step.index} (timestep ${timestep}) the classifier pulls by numbers that are not finite; ` +
          'a smaller scale or a wider dtype may help',
      );
    const slope = slopeAt(scale(sample, inputPerSample), timestep, prediction);
    return combine([
      [originalPerSample, towards],
      [inputPerSample, slope.transposed(scale(towards, originalPerPrediction))],
    ]);
  };
}
