/** Attention, whole or by way of its map. Queries, keys and values are tokens that lie as planes. */
import type { Node, Value } from '../../graph.ts';
import { strideOf, type Place } from '../memory/place.ts';
import { attentionScratch, type AttentionSpec } from '../tiles/attention-scratch.ts';
import {
  applyMapKernel,
  applyTransposedMapKernel,
  attentionKernel,
  attentionMapKernel,
  attentionScoresKernel,
} from '../tiles/attention.ts';
import { transposeKernel } from '../tiles/rearrange.ts';
import { NO_PADDING, wantedBorder } from './borders.ts';
import { contiguous, dense, inLayout } from './layout.ts';
import type { Lowering } from './lowering.ts';
import { packKeys } from './packed-keys.ts';
import { newBordered } from './pictures.ts';
import { multiplications } from './products.ts';
import { maker, type NodeOf } from './rule.ts';

/** Two steps: one arranges the keys, the other does all the rest. */
export function attention(lowering: Lowering, node: NodeOf<'attention'>): void {
  const { operation, inputs, output } = node;
  const { heads, scale } = operation;
  const [q, k, v] = inputs.map((value) => inLayout(lowering, value, 'planar'));
  const [batch, queries, channels] = output.shape;
  const [, keys] = inputs[1].shape;
  const apart = wantedBorder(lowering, output) && newBordered(lowering, output, NO_PADDING);
  const out = apart?.place ?? lowering.placeFor(output);
  const sizes = { batch, heads, queries, keys, size: channels / heads, scale };
  const spec = attentionSpec(sizes, { q, k, v, out }, apart?.layout.planeStride);
  lowering.emit(
    `attention ${heads}×${queries}×${spec.size}`,
    [q, packKeys(lowering, k, spec), v, out, scratchFor(lowering, spec)],
    (lib) => attentionKernel(lib, spec),
    multiplications(node),
  );
  if (!apart) lowering.finish(output, 'planar', out);
}

/** Two steps: one arranges the keys, the other makes the scores. */
export function attentionScores(lowering: Lowering, node: NodeOf<'attentionScores'>): void {
  perKey(lowering, node, attentionScoresKernel);
}

/** Two steps: one arranges the keys, the other makes the map. */
export function attentionMap(lowering: Lowering, node: NodeOf<'attentionMap'>): void {
  perKey(lowering, node, attentionMapKernel);
}

function perKey(
  lowering: Lowering,
  node: NodeOf<'attentionScores' | 'attentionMap'>,
  kernelOf: typeof attentionMapKernel,
): void {
  const { operation, inputs, output } = node;
  const { heads, scale } = operation;
  const [q, k] = inputs.map((value) => inLayout(lowering, value, 'planar'));
  const [batch, , queries, keys] = output.shape;
  const [, , channels] = inputs[0].shape;
  const out = lowering.placeFor(output);
  const spec = attentionSpec({ batch, heads, queries, keys, size: channels / heads, scale }, { q, k, out });
  lowering.emit(
    `${operation.kind} ${heads}×${queries}×${spec.size}`,
    [q, packKeys(lowering, k, spec), out, scratchFor(lowering, spec)],
    (lib) => kernelOf(lib, spec),
    multiplications(node),
  );
  lowering.finish(output, 'dense', out);
}

/** One step: the map's rows come from memory instead of from scores; those of a transposed one lie as columns. */
export function applyAttentionMap(lowering: Lowering, node: NodeOf<'applyAttentionMap'>): void {
  const { inputs, output } = node;
  const [map, values] = inputs;
  const [batch, heads, queries, keys] = map.shape;
  const [, , channels] = values.shape;
  const whole = untransposed(lowering, map);
  const [q, v] = [dense(lowering, whole ?? map), inLayout(lowering, values, 'planar')];
  const out = lowering.placeFor(output);
  const spec = attentionSpec({ batch, heads, queries, keys, size: channels / heads, scale: 1 }, { q, v, out });
  lowering.emit(
    `applyAttentionMap ${heads}×${queries}×${spec.size}`,
    [q, v, out, scratchFor(lowering, spec)],
    (lib) => (whole ? applyTransposedMapKernel : applyMapKernel)(lib, spec),
    multiplications(node),
  );
  lowering.finish(output, 'planar', out);
}

/** One step, or none where nobody reads it but those who apply it. */
export function transposeMap(lowering: Lowering, { inputs: [map], output }: NodeOf<'transposeMap'>): void {
  if (untransposed(lowering, output)) return;
  const [batch, heads, queries, keys] = map.shape;
  const from = contiguous(lowering, map);
  const out = lowering.newTensor(output.shape);
  const inBatchStride = 4 * queries * keys;
  const spec = { batch: batch * heads, rows: queries, columns: keys, inBatchStride, outBatchStride: inBatchStride };
  lowering.emit('transpose', [from, out], (lib) => transposeKernel(lib, spec));
  lowering.finish(output, 'dense', out);
}

/** The map of which this is the transpose, if nobody reads it but those who apply it: it is then never made. */
function untransposed(lowering: Lowering, value: Value): Value | undefined {
  const turned = maker(value, 'transposeMap');
  if (!turned) return undefined;
  const applied = ({ operation, inputs: [map, values] }: Node): boolean =>
    operation.kind === 'applyAttentionMap' && map === value && values !== value;
  return !lowering.isOutput(value) && lowering.usersOf(value).every(applied) ? turned.inputs[0] : undefined;
}

type Sizes = Pick<AttentionSpec, 'batch' | 'heads' | 'queries' | 'keys' | 'size' | 'scale'>;

/** Where a kernel finds its operands; `q` or `out` may be a map. */
interface Places {
  readonly q: Place;
  readonly k?: Place;
  readonly v?: Place;
  readonly out: Place;
}

function attentionSpec(sizes: Sizes, { q, k, v, out }: Places, outPlane = 4 * sizes.queries): AttentionSpec {
  const stride = (place: Place | undefined): number => (place ? strideOf(place, sizes.batch) : 0);
  return { ...sizes, qStride: stride(q), kStride: stride(k), vStride: stride(v), outStride: stride(out), outPlane };
}

function scratchFor({ newPlace, threads, panel }: Lowering, spec: AttentionSpec): Place {
  return newPlace(threads * attentionScratch(panel, spec), 0);
}
