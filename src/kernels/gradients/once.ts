/** What only gradients have. What was transposed goes back the same way; the rest is not derived again. */
import { refused, type Rules } from './rule.ts';

const reason = 'is part of a gradient already; there are no second derivatives';

/** The operations of the way back. */
export const once: Rules<
  | 'conv2dWeightGradient'
  | 'transposeWeight'
  | 'transposeMap'
  | 'placePixels'
  | 'activationDerivative'
  | 'groupNormGradient'
  | 'groupNormSums'
> = {
  transposeWeight: ({ kernels, gradient }) => [() => kernels.transposeWeight(gradient)],
  transposeMap: ({ kernels, gradient }) => [() => kernels.transposeMap(gradient)],
  conv2dWeightGradient: refused('conv2dWeightGradient', reason),
  placePixels: refused('placePixels', reason),
  activationDerivative: refused('activationDerivative', reason),
  groupNormGradient: refused('groupNormGradient', reason),
  groupNormSums: refused('groupNormSums', reason),
};
