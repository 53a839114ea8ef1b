/** Convolutions of pictures. */
import { isPointwise, UPSAMPLE_PADDING } from './borders.ts';
import type { Lowering } from './lowering.ts';
import { borderedInput, pictureInput, pointwiseInput, type ProductInput } from './pictures.ts';
import { planarProduct } from './products.ts';
import type { NodeOf } from './rule.ts';
import { packedPanels, phasePanels } from './weights.ts';

/** A convolution on a picture with its border of zeros. */
export function conv2d(lowering: Lowering, node: NodeOf<'conv2d'>): void {
  const { stride } = node.operation;
  const [x, weight] = node.inputs;
  const [batch] = x.shape;
  const [outChannels, channels, kernelHeight, kernelWidth] = weight.shape;
  const { place, layout, ...out } = convolutionInput(lowering, node);
  planarProduct(lowering, node, {
    layout: 'dense',
    input: place,
    panels: packedPanels(lowering, weight),
    spec: { batch, channels, outChannels, ...out, kernelHeight, kernelWidth, stride, phases: 1, input: layout },
  });
}

function convolutionInput(lowering: Lowering, node: NodeOf<'conv2d'>): ProductInput {
  const { operation, inputs, output } = node;
  const [x] = inputs;
  if (isPointwise(node)) return pointwiseInput(lowering, x);
  const [, , outHeight, outWidth] = output.shape;
  return { ...pictureInput(lowering, x, operation.padding), outHeight, outWidth };
}

/** A convolution of a doubled picture, as four of 2 × 2 pixels on the picture itself. */
export function upsampleConv2d(lowering: Lowering, node: NodeOf<'upsampleConv2d'>): void {
  const [x, weight] = node.inputs;
  const [batch, channels, outHeight, outWidth] = x.shape;
  const [outChannels] = weight.shape;
  const { place, layout } = borderedInput(lowering, x, UPSAMPLE_PADDING);
  const kernel = { kernelHeight: 2, kernelWidth: 2, stride: 1, phases: 2 } as const;
  planarProduct(lowering, node, {
    layout: 'dense',
    input: place,
    panels: phasePanels(lowering, weight),
    spec: { batch, channels, outChannels, outHeight, outWidth, ...kernel, input: layout },
  });
}
