/** Winograd's convolutions: two steps, and one more for weights that are computed. */
import { constantOf, type Value } from '../../graph.ts';
import { keyOf } from '../../key.ts';
import type { WinogradWidth } from '../../kernels.ts';
import type { Emitter } from '../emitter.ts';
import { strideOf, type Place } from '../memory/place.ts';
import { panelsLength } from '../tiles/panels.ts';
import { weightGradientKernel, weightGradientScratch, type WeightGradientSpec } from '../tiles/weight-gradient.ts';
import { asOneStrip, GROUP, groupsOf, VECTOR, winogradPlaces, type WinogradSpec } from '../tiles/winograd.ts';
import { placeBytes, winogradGradientKernel } from '../tiles/winograd-gradient.ts';
import { winogradInputKernel } from '../tiles/winograd-input.ts';
import { chunkPanels, winogradKernel, winogradScratch } from '../tiles/winograd-products.ts';
import { winogradWeightsBackKernel, winogradWeightsKernel, type WinogradWeights } from '../tiles/winograd-weights.ts';
import { groupPadding, NO_PADDING } from './borders.ts';
import { following } from './following.ts';
import { contiguous } from './layout.ts';
import type { Lowering } from './lowering.ts';
import { borderedInput, pictureInput } from './pictures.ts';
import { multiplications } from './products.ts';
import type { NodeOf } from './rule.ts';
import { arranged, biasOps, biasPlaces, once } from './weights.ts';

/** What lies under the tiles is transformed; then multiplied, and transformed back. */
export function winogradConv2d(lowering: Lowering, node: NodeOf<'winogradConv2d'>): void {
  const { width, padding } = node.operation;
  const [x, weight] = node.inputs;
  const [batch, channels] = x.shape;
  const [outChannels] = weight.shape;
  const [, , outHeight, outWidth] = node.output.shape;
  const { place, layout } = borderedInput(lowering, x, groupPadding(padding, node.output.shape, width));
  const size = { batch, channels, outHeight, outWidth, width };
  const input = { ...layout, batchStride: strideOf(place, batch) };
  const { rows: tileRows, stripRows, stripStride } = groupsOf(size);
  const pixels = lowering.newPlace(((batch * tileRows) / stripRows) * stripStride, 0);
  const name = `winograd 2×${width} ${channels}→${outChannels} @${outHeight}×${outWidth}`;
  lowering.emit(`${name}, pixels`, [place, pixels], (lib) => winogradInputKernel(lib, { ...size, input }));

  const panels = winogradPanels(lowering, weight, width);
  const chain = following(lowering, node, 'dense');
  const out = lowering.placeFor(chain.final);
  const scratch = lowering.newPlace(lowering.threads * winogradScratch(lowering.panel, { ...size, outChannels }), 0);
  const epilogue = [...biasOps(node), ...chain.ops];
  const spec: WinogradSpec = { ...size, outChannels, input, outBatchStride: strideOf(out, batch), epilogue };
  lowering.emit(
    name,
    [pixels, panels, out, scratch, ...biasPlaces(lowering, node), ...chain.operands],
    (lib) => winogradKernel(lib, spec),
    multiplications(node),
  );
  lowering.finish(chain.final, chain.layout, out);
}

/** The transformed weights of a Winograd convolution in panels, a few of them place after place. */
function winogradPanels(lowering: Lowering, weight: Value, width: WinogradWidth): Place {
  const [outputs, channels] = weight.shape;
  const part = constantOf(weight);
  if (part && part.slice?.kind !== 'sliceBatch') {
    const first = part.slice?.start ?? 0;
    const spec = { outputs, channels, width, first, of: part.tensor.shape[1] };
    return arranged(lowering, part.tensor, {
      name: keyOf(['winograd', spec]),
      length: packedLength(lowering, spec),
      isComputed: true,
      arrange: (emitter, from, to) => packWinograd(emitter, from, spec, to),
    });
  }
  const spec = { outputs, channels, width, first: 0, of: channels };
  return once(lowering, weight, `winograd ${width}`, () => packWinograd(lowering, contiguous(lowering, weight), spec));
}

/** Adds the step that transforms the weight at `from`, to `to` or to memory of its own. */
function packWinograd(emitter: Emitter, from: Place, spec: WinogradWeights, to?: Place): Place {
  const place = to ?? emitter.newPlace(4 * packedLength(emitter, spec), 0);
  const perChunk = chunkPanels(emitter.panel, spec);
  emitter.emit('winogradWeights', [from, place], (lib) => winogradWeightsKernel(lib, spec, perChunk));
  return place;
}

/** Floats of the transformed weights. */
function packedLength({ panel }: Emitter, { outputs, channels, width }: WinogradWeights): number {
  return winogradPlaces(width) * panelsLength(panel, outputs, channels);
}

/** What lies under the tiles, and their gradients, are transformed; then multiplied, and the sums transformed back. */
export function winogradWeightGradient(
  lowering: Lowering,
  node: NodeOf<'conv2dWeightGradient'>,
  width: WinogradWidth,
): void {
  const [x, gradient] = node.inputs;
  const [batch, channels] = x.shape;
  const [, outChannels, outHeight, outWidth] = gradient.shape;
  const name = `winograd gradient 2×${width} ${channels}→${outChannels} @${outHeight}×${outWidth}`;
  const size = { batch, channels, outHeight, outWidth, width };
  const groups = asOneStrip(size);
  const { places, rows, perRow, placeStride, groupStride } = groups;
  const under = borderedInput(lowering, x, groupPadding(node.operation.padding, gradient.shape, width));
  const pixels = lowering.newPlace(places * placeStride, 0);
  const pixelSpec = { ...size, input: { ...under.layout, batchStride: strideOf(under.place, batch) } };
  lowering.emit(`${name}, pixels`, [under.place, pixels], (lib) => winogradInputKernel(lib, pixelSpec, groups));

  const of = pictureInput(lowering, gradient, groupPadding(NO_PADDING, gradient.shape, width));
  const input = { ...of.layout, batchStride: strideOf(of.place, batch) };
  const ofSpec = { batch, outChannels, outHeight, outWidth, width, input };
  const gradientDistance = placeBytes(lowering.panel, ofSpec);
  const packed = lowering.newPlace(places * gradientDistance, 0);
  lowering.emit(`${name}, gradients`, [of.place, packed], (lib) => winogradGradientKernel(lib, ofSpec));

  const spec: WeightGradientSpec = {
    ...{ batch: 1, channels, outChannels, outHeight: batch * rows * perRow, outWidth: GROUP },
    ...{ kernelHeight: 1, kernelWidth: 1, stride: 1 },
    input: { planeStride: VECTOR, rowStride: groupStride, batchStride: rows * perRow * groupStride },
    places: { count: places, inputDistance: placeStride, gradientDistance },
  };
  const sums = lowering.newPlace(4 * places * outChannels * channels, 0);
  const scratch = lowering.newPlace(lowering.threads * weightGradientScratch(lowering.panel, spec), 0);
  lowering.emit(name, [pixels, packed, sums, scratch], (lib) => weightGradientKernel(lib, spec), multiplications(node));
  const out = lowering.newTensor(node.output.shape);
  lowering.emit('winogradWeightsBack', [sums, out], (lib) =>
    winogradWeightsBackKernel(lib, outChannels * channels, width),
  );
  lowering.finish(node.output, 'dense', out);
}
