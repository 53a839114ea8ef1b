/**
 * Convolutions and linear layers. Forward, each output is a sum of inputs times weights. Back, each input gets the
 * gradients of all outputs that it went to, times the same weights: a convolution again, by the transposed weight. Each
 * weight gets what it met; and the bias, which met a 1 everywhere, the sum of the gradient.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Kernels, Padding } from '../kernels.ts';
import type { Shape } from '../operations/index.ts';
import type { Rules } from './rule.ts';
import { rowsAsPixels, sumOverRows, sumOverSamples } from './sums.ts';

const none: Padding = { top: 0, bottom: 0, left: 0, right: 0 };
const one: Padding = { top: 1, bottom: 1, left: 1, right: 1 };

/** What is a sum of products with weights. */
export const products: Rules<'conv2d' | 'upsampleConv2d' | 'linear'> = {
  conv2d({ kernels, attributes: { stride, padding }, inputs: [x, weight], gradient }) {
    const [, , kernelHeight, kernelWidth] = weight.shape;
    return [
      () => backThroughConvolution(kernels, x.shape, weight, gradient, stride, padding),
      () => kernels.conv2dWeightGradient(x, gradient, kernelHeight, kernelWidth, stride, padding),
      () => sumOverSamples(kernels, gradient),
    ];
  },

  // Of the doubled picture, whose pixels then come together again.
  upsampleConv2d({ kernels, inputs: [x, weight], gradient }) {
    const [batch, channels, height, width] = x.shape;
    const doubled = [batch, channels, 2 * height, 2 * width];
    return [
      () => sumOfFour(kernels, backThroughConvolution(kernels, doubled, weight, gradient, 1, one)),
      () => kernels.conv2dWeightGradient(kernels.upsampleNearest2x(x), gradient, 3, 3, 1, one),
      () => sumOverSamples(kernels, gradient),
    ];
  },

  // The weight is that of a convolution that sees one pixel at a time.
  linear({ kernels, inputs: [x, weight], gradient }) {
    const [, channels] = weight.shape;
    const weightGradient = (): Tensor =>
      kernels.conv2dWeightGradient(rowsAsPixels(kernels, x), rowsAsPixels(kernels, gradient), 1, 1, 1, none);
    return [
      () => kernels.linear(gradient, kernels.transposeWeight(weight), undefined),
      () => kernels.reshape(weightGradient(), [channels]),
      () => sumOverRows(kernels, gradient),
    ];
  },
};

/** The sum of 2 × 2 pixels. */
export function sumOfFour(kernels: Kernels, x: Tensor): Tensor {
  return kernels.affine(kernels.averagePool2x(x), 4, 0);
}

/**
 * ∂L/∂x of a convolution: the convolution of the gradient by the transposed weight. The gradient's pixels lie as far
 * apart as the kernel has jumped; around them there are zeros, so that the kernel reaches all of x.
 * @param shape of x, [B,C,H,W]
 */
function backThroughConvolution(
  kernels: Kernels,
  [, , height, width]: Shape,
  weight: Tensor,
  gradient: Tensor,
  stride: number,
  { top, left }: Padding,
): Tensor {
  const [, , kernelHeight, kernelWidth] = weight.shape;
  const [, , outHeight, outWidth] = gradient.shape;
  const [above, before] = [kernelHeight - 1 - top, kernelWidth - 1 - left];
  const padding = {
    top: above,
    bottom: height + top - outHeight,
    left: before,
    right: width + left - outWidth,
  };
  const back = kernels.transposeWeight(weight);
  if (stride === 1 && Object.values(padding).every((pixels) => pixels >= 0))
    return kernels.conv2d(gradient, back, undefined, 1, padding);
  const [wholeHeight, wholeWidth] = [height + kernelHeight - 1, width + kernelWidth - 1];
  const apart = kernels.placePixels(gradient, stride, above, before, wholeHeight, wholeWidth);
  return kernels.conv2d(apart, back, undefined, 1, none);
}
