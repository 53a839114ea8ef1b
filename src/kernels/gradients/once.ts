/** What only gradients have. What was transposed goes back the same way; the rest is not derived again. */
import { InputError } from '../../tensor/errors.ts';
import type { Kind } from '../operations/index.ts';
import type { Rule, Rules } from './rule.ts';

/** The operations of the way back. */
export const once: Rules<
  | 'conv2dWeightGradient'
  | 'transposeWeight'
  | 'transposeMap'
  | 'placePixels'
  | 'activationDerivative'
  | 'groupNormGradient'
> = {
  transposeWeight: ({ kernels, gradient }) => [() => kernels.transposeWeight(gradient)],
  transposeMap: ({ kernels, gradient }) => [() => kernels.transposeMap(gradient)],
  conv2dWeightGradient: refused('conv2dWeightGradient'),
  placePixels: refused('placePixels'),
  activationDerivative: refused('activationDerivative'),
  groupNormGradient: refused('groupNormGradient'),
};

function refused<K extends Kind>(kind: K): Rule<K> {
  return () => {
    throw new InputError(`gradient: ${kind} is part of a gradient already; there are no second derivatives`);
  };
}
