/**
 * The weights of products, as tiles read them. Those that are constants of the graph are arranged once and for all;
 * those that are computed, or inputs, by a step of their own, whenever the program runs.
 */
import { sizeOf } from '../../../tensor/tensor.ts';
import { constantOf, type ConstantPart, type Node, type Value } from '../../graph.ts';
import { keyOf } from '../../key.ts';
import { phases, phaseWeight, type Phase } from '../../plain/upsample-conv2d.ts';
import type { WinogradWidth } from '../../kernels.ts';
import { placesOf, winogradWeights } from '../../plain/winograd-conv2d.ts';
import type { Place } from '../memory/place.ts';
import { strideBetween } from '../memory/place.ts';
import type { EpilogueOp } from '../tiles/epilogue.ts';
import { packKernel, phaseWeightsKernel, winogradWeightsKernel, type PackSpec } from '../tiles/packing.ts';
import { packPanels, panelsLength } from '../tiles/panels.ts';
import { contiguous, dense } from './layout.ts';
import type { Lowering } from './lowering.ts';
import type { NodeOf } from './rule.ts';

/** The operations that have a weight and perhaps a bias. */
export type ProductKind = 'conv2d' | 'winogradConv2d' | 'upsampleConv2d' | 'linear';

/** Whether a node is one of these. */
export function isProduct(node: Node): node is Node & NodeOf<ProductKind> {
  return ['conv2d', 'winogradConv2d', 'upsampleConv2d', 'linear'].includes(node.operation.kind);
}

/** The operation that adds the bias, if there is one. */
export function biasOps({ inputs: [, , bias] }: NodeOf<ProductKind>): readonly EpilogueOp[] {
  return bias ? [{ kind: 'bias' }] : [];
}

/** The place of the bias, if there is one. */
export function biasPlaces(lowering: Lowering, { inputs: [, , bias] }: NodeOf<ProductKind>): readonly Place[] {
  return bias ? [contiguous(lowering, bias)] : [];
}

/** The weight [O,C,…] of a convolution or a linear layer in panels. */
export function packedPanels(lowering: Lowering, weight: Value): Place {
  const part = constantOf(weight);
  if (part && part.slice?.kind !== 'sliceBatch') return constantPanels(lowering, weight, part);
  return once(lowering, weight, 'panels', () => {
    const { of, spec } = rowsOfWeight(lowering, weight);
    return pack(lowering, of, spec);
  });
}

function constantPanels({ packed, panel }: Lowering, { shape }: Value, { tensor, slice }: ConstantPart): Place {
  const [outChannels, ...ofOutput] = shape;
  const terms = sizeOf(ofOutput);
  const skipped = (slice?.start ?? 0) * sizeOf(shape.slice(2));
  return packed(tensor, {
    name: keyOf(['panels', outChannels, terms, skipped]),
    length: panelsLength(panel, outChannels, terms),
    pack: () => packPanels(panel, tensor.data, outChannels, terms, skipped),
  });
}

/** Where the numbers of a weight lie: also of one that is the transpose of another, which is then never made. */
function rowsOfWeight(lowering: Lowering, weight: Value): { readonly of: Place; readonly spec: PackSpec } {
  const [outputs, channels, ...kernel] = weight.shape;
  const area = sizeOf(kernel);
  const one = { batch: 1, batchStride: 0, outputs };
  const { source } = weight;
  if (source.kind === 'node' && isLeftToPacking(lowering, source.node)) {
    const [whole] = source.node.inputs;
    const of = dense(lowering, whole);
    const turned = { inner: area, innerStride: -4, offset: 4 * (area - 1) };
    const outerStride = strideBetween(of, whole.shape);
    return { of, spec: { ...one, outputStride: 4 * area, outer: channels, outerStride, ...turned } };
  }
  const of = dense(lowering, weight);
  const terms = { outer: 1, outerStride: 0, inner: channels * area, innerStride: 4, offset: 0 };
  return { of, spec: { ...one, outputStride: strideBetween(of, weight.shape), ...terms } };
}

/** Whether a transposed weight is read by nobody but products, as their weight: they pack it as it is. */
export function isLeftToPacking(lowering: Lowering, { operation, output }: Node): boolean {
  const asWeight = (user: Node): boolean =>
    (user.operation.kind === 'conv2d' || user.operation.kind === 'linear') &&
    user.inputs.every((input, i) => (i === 1) === (input === output));
  return operation.kind === 'transposeWeight' && !lowering.isOutput(output) && lowering.usersOf(output).every(asWeight);
}

/** The weights of the four phases of a doubled picture's convolution in panels, phase after phase. */
export function phasePanels(lowering: Lowering, weight: Value): Place {
  const [outputs, channels] = weight.shape;
  const { panel } = lowering;
  const { source } = weight;
  if (source.kind === 'constant') {
    const panelsOf = (phase: Phase): Float32Array =>
      packPanels(panel, phaseWeight(source.tensor, phase).data, outputs, 4 * channels);
    return lowering.packed(source.tensor, {
      name: keyOf(['phases', outputs, channels]),
      length: phases.length * panelsLength(panel, outputs, 4 * channels),
      pack: () => joined(phases.map(panelsOf)),
    });
  }
  return once(lowering, weight, 'phases', () => {
    const whole = contiguous(lowering, weight);
    const kernels = outputs * channels;
    const parts = lowering.newPlace(4 * 16 * kernels, 16 * kernels);
    lowering.emit('phaseWeights', [whole, parts], (lib) => phaseWeightsKernel(lib, kernels));
    const terms = { outer: 1, outerStride: 0, inner: 4 * channels, innerStride: 4, offset: 0 };
    return pack(lowering, parts, {
      batch: phases.length,
      batchStride: 16 * kernels,
      outputs,
      outputStride: 16 * channels,
      ...terms,
    });
  });
}

/** The transformed weights of a Winograd convolution in panels, place after place. */
export function winogradPanels(lowering: Lowering, weight: Value, width: WinogradWidth): Place {
  const [outputs, channels] = weight.shape;
  const { panel } = lowering;
  const places = placesOf(width).length;
  const part = constantOf(weight);
  if (part && part.slice?.kind !== 'sliceBatch') {
    const first = part.slice?.start ?? 0;
    return lowering.packed(part.tensor, {
      name: keyOf(['winograd', width, outputs, channels, first]),
      length: places * panelsLength(panel, outputs, channels),
      pack: () =>
        joined(winogradWeights(part.tensor, width).map((of) => packPanels(panel, of, outputs, channels, first))),
    });
  }
  return once(lowering, weight, `winograd ${width}`, () => {
    const whole = contiguous(lowering, weight);
    const kernels = outputs * channels;
    const transformed = lowering.newPlace(4 * places * kernels, 4 * kernels);
    lowering.emit('winogradWeights', [whole, transformed], (lib) => winogradWeightsKernel(lib, width, kernels));
    const terms = { outer: 1, outerStride: 0, inner: channels, innerStride: 4, offset: 0 };
    return pack(lowering, transformed, {
      batch: places,
      batchStride: 4 * kernels,
      outputs,
      outputStride: 4 * channels,
      ...terms,
    });
  });
}

/** Adds the step that packs what lies at `from`. */
export function pack(lowering: Lowering, from: Place, spec: PackSpec): Place {
  const bytes = 4 * panelsLength(lowering.panel, spec.outputs, spec.outer * spec.inner);
  const place = lowering.newPlace(spec.batch * bytes, bytes);
  lowering.emit('pack', [from, place], (lib) => packKernel(lib, spec));
  return place;
}

/** What `make` makes of a value, for whoever wants it first. */
function once({ converted }: Lowering, { id }: Value, arrangement: string, make: () => Place): Place {
  const key = keyOf([id, arrangement]);
  const place = converted.get(key) ?? make();
  converted.set(key, place);
  return place;
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
