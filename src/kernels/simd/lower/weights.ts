/**
 * The weights of products, as tiles read them. Those that are constants of the graph are arranged once and for all;
 * those that are computed, or inputs, by a step of their own, whenever the program runs.
 */
import { sizeOf, type Tensor } from '../../../tensor/tensor.ts';
import { constantOf, type ConstantPart, type Node, type Value } from '../../graph.ts';
import { keyOf } from '../../key.ts';
import { phases } from '../../plain/upsample-conv2d.ts';
import { strideBetween, type Place } from '../memory/place.ts';
import type { Packing } from '../memory/weights.ts';
import type { EpilogueOp } from '../tiles/epilogue.ts';
import { packKernel, phaseWeightsKernel, type PackSpec } from '../tiles/packing.ts';
import { panelsLength } from '../tiles/panels.ts';
import type { Emitter } from '../emitter.ts';
import { contiguous, dense } from './layout.ts';
import { loadWeight } from './load.ts';
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

function constantPanels(lowering: Lowering, { shape }: Value, { tensor, slice }: ConstantPart): Place {
  const [outputs, ...ofOutput] = shape;
  const [, ...ofRow] = tensor.shape;
  const inner = sizeOf(ofOutput);
  const skipped = (slice?.start ?? 0) * sizeOf(shape.slice(2));
  const row = { outputStride: 4 * sizeOf(ofRow), offset: 4 * skipped };
  return arranged(lowering, tensor, {
    name: keyOf(['panels', outputs, inner, skipped]),
    length: panelsLength(lowering.panel, outputs, inner),
    arrange: (emitter, from, to) => pack(emitter, from, { ...rows(outputs, inner), ...row }, to),
  });
}

/** The terms of each output one after another, and outputs without gaps. */
export function rows(outputs: number, inner: number): PackSpec {
  const terms = { outer: 1, outerStride: 0, inner, innerStride: 4, offset: 0 };
  return { batch: 1, batchStride: 0, outputs, outputStride: 4 * inner, ...terms };
}

/** A weight that stays where it is, or, where there is no room for that, is loaded in each run before it is used. */
export function arranged(lowering: Lowering, tensor: Tensor, packing: Packing): Place {
  if (lowering.keeps?.(tensor, packing) ?? true) return lowering.packed(tensor, packing);
  const place = lowering.newPlace(4 * packing.length, 0);
  loadWeight(lowering, tensor, packing, place);
  return place;
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
  return { of, spec: { ...rows(outputs, channels * area), outputStride: strideBetween(of, weight.shape) } };
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
  if (source.kind === 'constant')
    return arranged(lowering, source.tensor, {
      name: keyOf(['phases', outputs, channels]),
      length: phases.length * panelsLength(panel, outputs, 4 * channels),
      arrange: (emitter, from, to) => packPhases(emitter, from, weight.shape, to),
    });
  return once(lowering, weight, 'phases', () => packPhases(lowering, contiguous(lowering, weight), weight.shape));
}

/** Adds the steps that pack the four phases of the weight [O,C,3,3] at `from`. */
function packPhases(emitter: Emitter, from: Place, [outputs, channels]: readonly number[], to?: Place): Place {
  const kernels = outputs * channels;
  const parts = emitter.newPlace(4 * 16 * kernels, 16 * kernels);
  emitter.emit('phaseWeights', [from, parts], (lib) => phaseWeightsKernel(lib, kernels));
  const spec = { ...rows(outputs, 4 * channels), batch: phases.length, batchStride: 16 * kernels };
  return pack(emitter, parts, spec, to);
}

/** Adds the step that packs what lies at `from`, to `to` or to memory of its own. */
export function pack(emitter: Emitter, from: Place, spec: PackSpec, to?: Place): Place {
  const bytes = 4 * panelsLength(emitter.panel, spec.outputs, spec.outer * spec.inner);
  const place = to ?? emitter.newPlace(spec.batch * bytes, bytes);
  emitter.emit('pack', [from, place], (lib) => packKernel(lib, spec));
  return place;
}

/** What `make` makes of a value, for whoever wants it first. */
export function once({ converted }: Lowering, { id }: Value, arrangement: string, make: () => Place): Place {
  const key = keyOf([id, arrangement]);
  const place = converted.get(key) ?? make();
  converted.set(key, place);
  return place;
}
