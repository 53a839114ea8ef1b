/**
 * Convolutions and linear layers. Forward, each output is a sum of inputs times weights. Back, each input gets the
 * gradients of all outputs that it went to, times the same weights: a convolution again, by the transposed weight. Each
 * weight gets what it met; and the bias, which met a 1 everywhere, the sum of the gradient.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Kernels, Padding } from '../kernels.ts';
import { applyOperation, type Shape } from '../operations/index.ts';
import { inOrder, winogradWidth } from '../order.ts';
import type { Application, Rules } from './rule.ts';
import { rowsAsPixels, sumOverRows, sumOverSamples } from './sums.ts';

const none: Padding = { top: 0, bottom: 0, left: 0, right: 0 };
const one: Padding = { top: 1, bottom: 1, left: 1, right: 1 };

/** What is a sum of products with weights. */
export const products: Rules<'conv2d' | 'winogradConv2d' | 'upsampleConv2d' | 'linear'> = {
  conv2d: ({ attributes: { stride, padding }, ...application }) => ofConvolution(application, stride, padding),

  // The same sums in another order have the same way back.
  winogradConv2d: ({ attributes: { padding }, ...application }) => ofConvolution(application, 1, padding),

  upsampleConv2d(application) {
    const [x, weight] = application.inputs;
    const [batch, channels] = x.shape;
    const doubled = { dtype: x.dtype, shape: [batch, channels, ...application.gradient.shape.slice(2)] };
    const convolution = { kind: 'conv2d', stride: 1, padding: one } as const;
    return winogradWidth(convolution, [doubled, weight]) === undefined
      ? ofPhases(application)
      : ofDoubledPicture(application);
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

/** ∂L/∂ of picture, weight and bias of a convolution. */
function ofConvolution(
  { kernels, inputs: [x, weight], gradient }: Pick<Application<'conv2d'>, 'kernels' | 'inputs' | 'gradient'>,
  stride: number,
  padding: Padding,
): readonly (() => Tensor)[] {
  const [, , kernelHeight, kernelWidth] = weight.shape;
  const tileWidth = winogradWidth({ kind: 'conv2d', stride, padding }, [x, weight]);
  return [
    () => backThroughConvolution(kernels, x.shape, weight, gradient, stride, padding),
    () => kernels.conv2dWeightGradient(x, gradient, kernelHeight, kernelWidth, stride, padding, tileWidth),
    () => sumOverSamples(kernels, gradient),
  ];
}

/**
 * ∂L/∂ of picture, weight and bias of a convolution of a doubled picture. A pixel goes to its 2 × 2 copies, and from
 * there by 3 × 3 weights into 4 × 4 outputs: seen from it, a convolution of the gradient by weights of that size, of
 * which each is a sum. Its next pixel sees the outputs two further on.
 */
function ofPhases({
  kernels,
  inputs: [x, weight],
  gradient,
}: Application<'upsampleConv2d'>): readonly (() => Tensor)[] {
  return [
    () => kernels.conv2d(gradient, spreadWeight(kernels, weight), undefined, 2, one),
    () => gatheredWeight(kernels, kernels.conv2dWeightGradient(gradient, x, 4, 4, 2, one)),
    () => sumOverSamples(kernels, gradient),
  ];
}

/** The same by way of the doubled picture itself: 12 products a pixel with tiles, where phases have 16. */
function ofDoubledPicture({ kernels, inputs, gradient }: Application<'upsampleConv2d'>): readonly (() => Tensor)[] {
  const [x, weight, ...bias] = inputs;
  const doubled = kernels.upsampleNearest2x(x);
  const [ofDoubled, ...others] = ofConvolution({ kernels, inputs: [doubled, weight, ...bias], gradient }, 1, one);
  return [() => kernels.affine(kernels.averagePool2x(ofDoubled()), 4, 0), ...others];
}

/** Where the four copies of a pixel lie. */
const copies = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;

/** The weights by which the outputs come back to a pixel that was doubled: [O,C,3,3] → [C,O,4,4]. */
function spreadWeight(kernels: Kernels, weight: Tensor): Tensor {
  const back = kernels.transposeWeight(weight);
  return copies
    .map(([row, column]) => kernels.placePixels(back, 1, row, column, 4, 4))
    .reduce((a, b) => kernels.add(a, b));
}

/** What each weight gets of what these got: [C,O,4,4] → [O,C,3,3]. */
function gatheredWeight(kernels: Kernels, spread: Tensor): Tensor {
  const back = copies
    .map(([row, column]) => kernels.placePixels(spread, 1, -row, -column, 3, 3))
    .reduce((a, b) => kernels.add(a, b));
  return kernels.transposeWeight(back);
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
    return inFastOrder(kernels, gradient, back, padding);
  const [wholeHeight, wholeWidth] = [height + kernelHeight - 1, width + kernelWidth - 1];
  const apart = kernels.placePixels(gradient, stride, above, before, wholeHeight, wholeWidth);
  return inFastOrder(kernels, apart, back, none);
}

/** A convolution in the fast order, whatever that of the way there: what comes back has bits of its own. */
function inFastOrder(kernels: Kernels, x: Tensor, weight: Tensor, padding: Padding): Tensor {
  const operation = inOrder('fast', { kind: 'conv2d', stride: 1, padding }, [x, weight]);
  return applyOperation(kernels, operation, [x, weight]);
}
