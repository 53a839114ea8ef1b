/**
 * Norms and softmax.
 *
 *     group norm   y = x̂ · weight + bias,   x̂ = (x − mean) / √(variance + eps)
 *       back       ∂L/∂bias = Σ g,   ∂L/∂weight = Σ g · x̂,   g = ∂L/∂y
 *                  ∂L/∂x: see definition/group-norm-gradient
 *     softmax      y = eˣ / Σ eˣ
 *       back       ∂L/∂x = y · (g − Σ g · y)
 */
import { sizeOf, type Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../kernels.ts';
import { shared, type Application, type Rules } from './rule.ts';
import { asRow, negative, onesLike, onlyRow, spreadOverRows, sumOverPixels, sumOverRows, zerosLike } from './sums.ts';

/** What looks at a whole group or row at once. */
export const norms: Rules<'groupNorm' | 'layerNorm' | 'softmax'> = {
  groupNorm({ kernels, attributes: { groups, eps }, inputs: [x, weight], gradient }) {
    const [, channels] = x.shape;
    const sums = shared(() => sumOverRows(kernels, kernels.groupNormSums(x, gradient, groups, eps)));
    return [
      () => kernels.groupNormGradient(x, gradient, weight, groups, eps),
      () => kernels.sliceBatch(sums(), 0, channels),
      () => kernels.sliceBatch(sums(), channels, 2 * channels),
    ];
  },

  // A group norm whose groups are the rows; the weight, which is each column's, has been multiplied with.
  layerNorm({ kernels, attributes: { eps }, inputs: [x, weight], gradient }) {
    const [batch, ...others] = x.shape;
    const [channels] = weight.shape;
    const [one, zero] = [onesLike(x, [channels]), zerosLike(x, [channels])];
    const normed = (): Tensor => kernels.layerNorm(x, one, zero, eps);
    const ofNormed = (): Tensor => kernels.multiply(gradient, spreadOverRows(kernels, weight, x.shape.slice(0, -1)));
    const backThroughRows = (): Tensor => {
      if (others.length === 0) {
        const [numbers, gradients] = [x, ofNormed()].map((y) => asRow(kernels, y));
        return onlyRow(kernels, kernels.groupNormGradient(numbers, gradients, one, 1, eps));
      }
      const rows = batch === 0 ? 1 : sizeOf(others) / channels;
      const [numbers, gradients] = [x, ofNormed()].map((y) => kernels.reshape(y, [rows, channels]));
      const each = onesLike(x, [rows]);
      return kernels.reshape(kernels.groupNormGradient(numbers, gradients, each, rows, eps), others);
    };
    return [
      backThroughRows,
      () => sumOverRows(kernels, kernels.multiply(gradient, normed())),
      () => sumOverRows(kernels, gradient),
    ];
  },

  softmax: ({ kernels, output, gradient }: Application<'softmax'>) => [
    () => backThroughSoftmax(kernels, output, gradient),
  ],
};

/**
 * ∂L/∂x of a softmax: what raises one share lowers all others, so of the gradient only what differs from its mean, each
 * by its share, comes back.
 * @param shares the result of the softmax, [… ,N]
 * @param gradient ∂L/∂shares
 */
export function backThroughSoftmax(kernels: Kernels, shares: Tensor, gradient: Tensor): Tensor {
  const [, ...others] = shares.shape;
  if (others.length === 0)
    return onlyRow(kernels, backThroughSoftmax(kernels, asRow(kernels, shares), asRow(kernels, gradient)));
  const size = others[others.length - 1];
  const [y, g] = [shares, gradient].map((x) => kernels.reshape(x, [sizeOf(others.slice(0, -1)), size]));
  const mean = sumOverPixels(kernels, kernels.multiply(g, y));
  return kernels.reshape(kernels.multiply(y, kernels.add(g, negative(kernels, mean))), others);
}
