/** Operations that treat every element alike: each gradient comes back to its own place, times what it met there. */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../kernels.ts';
import type { Rules } from './rule.ts';
import { negative, sumOverPixels } from './sums.ts';

/** What makes a number of a number, or of two that stand at the same place. */
export const elementwise: Rules<'activation' | 'add' | 'subtract' | 'multiply' | 'affine' | 'divide'> = {
  activation: ({ kernels, attributes, inputs: [x], gradient }) => [
    () => kernels.multiply(gradient, kernels.activationDerivative(x, attributes.activation)),
  ],
  add: ({ kernels, inputs: [, b], gradient }) => [() => gradient, () => gathered(kernels, gradient, b)],
  subtract: ({ kernels, gradient }) => [() => gradient, () => negative(kernels, gradient)],
  multiply: ({ kernels, inputs: [a, b], gradient }) => [
    () => kernels.multiply(gradient, b),
    () => gathered(kernels, kernels.multiply(gradient, a), b),
  ],
  affine: ({ kernels, attributes: { factor }, gradient }) => [() => kernels.affine(gradient, factor, 0)],
  divide: ({ kernels, attributes: { divisor }, gradient }) => [() => kernels.divide(gradient, divisor)],
};

/** What comes back to b: where it was spread over the pixels, their sum. */
function gathered(kernels: Kernels, gradient: Tensor, b: Tensor): Tensor {
  return b.shape.length === gradient.shape.length ? gradient : sumOverPixels(kernels, gradient);
}
