/** Convolutions of pictures. */
import { keyOf } from '../../key.ts';
import { phases, phaseWeight, type Phase } from '../../plain/upsample-conv2d.ts';
import { densePlanes } from '../memory/planes.ts';
import { packPanels, panelsLength } from '../tiles/panels.ts';
import { hasBorder, isPointwise, UPSAMPLE_PADDING } from './borders.ts';
import { constantWeights } from './constants.ts';
import { host } from './host.ts';
import { dense } from './layout.ts';
import type { Lowering } from './lowering.ts';
import { borderedInput, pointwiseInput, type ProductInput } from './pictures.ts';
import { packedPanels, planarProduct } from './products.ts';
import type { NodeOf } from './rule.ts';

/** A convolution on a picture with its border of zeros; with weights that are computed, the plain loop. */
export function conv2d(lowering: Lowering, node: NodeOf<'conv2d'>): void {
  const weights = constantWeights(node);
  if (!weights) {
    host(lowering, node);
    return;
  }
  const { stride } = node.operation;
  const [x, weight] = node.inputs;
  const [batch] = x.shape;
  const [outChannels, channels, kernelHeight, kernelWidth] = weight.shape;
  const { place, layout, ...out } = convolutionInput(lowering, node);
  planarProduct(lowering, node, {
    layout: 'dense',
    input: place,
    panels: packedPanels(lowering, weights, weight.shape),
    bias: weights.bias,
    spec: { batch, channels, outChannels, ...out, kernelHeight, kernelWidth, stride, phases: 1, input: layout },
  });
}

function convolutionInput(lowering: Lowering, node: NodeOf<'conv2d'>): ProductInput {
  const { operation, inputs, output } = node;
  const [x] = inputs;
  const [, , height, width] = x.shape;
  const [, , outHeight, outWidth] = output.shape;
  if (isPointwise(node)) return pointwiseInput(lowering, x);
  if (hasBorder(operation.padding)) return { ...borderedInput(lowering, x, operation.padding), outHeight, outWidth };
  return { place: dense(lowering, x), layout: densePlanes(height, width, 0), outHeight, outWidth };
}

/** A convolution of a doubled picture, as four of 2 × 2 pixels on the picture itself. */
export function upsampleConv2d(lowering: Lowering, node: NodeOf<'upsampleConv2d'>): void {
  const weights = constantWeights(node);
  if (!weights) {
    host(lowering, node);
    return;
  }
  const { weight, bias } = weights;
  const [x] = node.inputs;
  const [batch, channels, outHeight, outWidth] = x.shape;
  const [outChannels] = weight.shape;
  const { place, layout } = borderedInput(lowering, x, UPSAMPLE_PADDING);
  const panelsOf = (phase: Phase): Float32Array =>
    packPanels(lowering.panel, phaseWeight(weight, phase).data, outChannels, 4 * channels);
  const panels = lowering.packed(weight, {
    name: keyOf(['phases', outChannels, channels]),
    length: phases.length * panelsLength(lowering.panel, outChannels, 4 * channels),
    pack: () => joined(phases.map(panelsOf)),
  });
  const kernel = { kernelHeight: 2, kernelWidth: 2, stride: 1, phases: 2 } as const;
  planarProduct(lowering, node, {
    layout: 'dense',
    input: place,
    panels,
    bias,
    spec: { batch, channels, outChannels, outHeight, outWidth, ...kernel, input: layout },
  });
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
