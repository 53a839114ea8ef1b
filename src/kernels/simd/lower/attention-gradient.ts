/**
 * The way back through attention, as gradients/attention.ts puts it together: where nobody else reads what stands in
 * between, its operations are one step, and no map is made.
 */
import type { Node, Value } from '../../graph.ts';
import type { Kind, OperationOf } from '../../operations/index.ts';
import { strideOf } from '../memory/place.ts';
import { attentionGradientKernel, attentionGradientScratch } from '../tiles/attention-gradient.ts';
import { inLayout } from './layout.ts';
import { isOnes } from './linear.ts';
import type { Lowering } from './lowering.ts';
import { packKeys } from './packed-keys.ts';
import type { NodeOf } from './rule.ts';

/** The operations of one attention's way back. */
export interface AttentionBack {
  readonly map: Node & NodeOf<'attentionMap'>;
  /** ∂L/∂map: the scores of the gradient and the values. */
  readonly ofMap: Node & NodeOf<'attentionScores'>;
  /** Those that give ∂L/∂ of queries, keys and values. */
  readonly results: readonly [Node, Node, Node];
  /** All others. */
  readonly between: readonly Node[];
}

/** Finds operations that follow one another, each the only reader of what is before it; views are passed over. */
interface Trail {
  /** The one reader of a value, if it is of this kind. */
  next<K extends Kind>(value: Value | undefined, kind: K): (Node & NodeOf<K>) | undefined;
  /** All readers of a value, if they are so many. */
  readers(value: Value | undefined, count: number): readonly Node[];
  /** Whatever has been found. */
  readonly found: readonly Node[];
}

function trail(lowering: Lowering): Trail {
  const found: Node[] = [];
  const readers: Trail['readers'] = (value, count) => {
    const users = value && !lowering.isOutput(value) ? lowering.usersOf(value) : [];
    if (users.length !== count) return [];
    found.push(...users);
    return users;
  };
  const next: Trail['next'] = <K extends Kind>(value: Value | undefined, kind: K) => {
    const [user] = readers(value, 1);
    if (kind !== 'reshape' && user?.operation.kind === 'reshape') return next(user.output, kind);
    return user?.operation.kind === kind ? (user as Node & NodeOf<K>) : undefined;
  };
  return { next, readers, found };
}

function ofKind<K extends Kind>(nodes: readonly Node[], kind: K): (Node & NodeOf<K>) | undefined {
  return nodes.find((node): node is Node & NodeOf<K> => node.operation.kind === kind);
}

/** The way back that begins with this ∂L/∂map, if it is one, and whole. */
export function attentionBackOf(
  lowering: Lowering,
  ofMap: Node & NodeOf<'attentionScores'>,
): AttentionBack | undefined {
  const { next, readers, found } = trail(lowering);
  const [gradient] = ofMap.inputs;
  // g · y, and its sum over each row, which is taken off g.
  const g = next(ofMap.output, 'reshape')?.output;
  const products = ofKind(readers(g, 2), 'multiply');
  const y = products?.inputs.find((input) => input !== g);
  const sums = next(products?.output, 'linear');
  const less = next(next(sums?.output, 'affine')?.output, 'add');
  const ofScores = next(less?.output, 'multiply');
  const [, ones] = sums?.inputs ?? [];
  const map = y?.source.kind === 'node' ? ofKind([y.source.node], 'reshape')?.inputs[0]?.source : undefined;
  const made = map?.kind === 'node' ? ofKind([map.node], 'attentionMap') : undefined;
  if (!made || !ofScores || !less || !ones || !isOnes(ones) || less.inputs[0] !== g) return undefined;
  const { heads, scale } = made.operation;
  const [q, k] = made.inputs;
  if (ofMap.operation.heads !== heads || ofMap.operation.scale !== 1) return undefined;
  if (!readers(y, 2).every((node) => node === products || node === ofScores)) return undefined;
  // dS K and dSᵀ Q, scaled; and Pᵀ dO.
  const slopes = readers(next(ofScores.output, 'reshape')?.output, 2);
  const mixed = (node: Node | undefined, values: Value): (Node & NodeOf<'applyAttentionMap'>) | undefined =>
    node?.operation.kind === 'applyAttentionMap' && node.inputs[1] === values ? (node as never) : undefined;
  const isScaled = (operation: OperationOf<'affine'> | undefined): boolean =>
    operation?.factor === scale && operation.offset === 0;
  const turned = (nodes: readonly Node[]): Value | undefined => ofKind(nodes, 'transposeMap')?.output;
  const ofQueries = next(mixed(ofKind(slopes, 'applyAttentionMap'), k)?.output, 'affine');
  const ofKeys = next(mixed(next(turned(slopes), 'applyAttentionMap'), q)?.output, 'affine');
  const ofValues = mixed(next(turned(readers(made.output, 2)), 'applyAttentionMap'), gradient);
  if (!ofQueries || !ofKeys || !ofValues || !isScaled(ofQueries.operation) || !isScaled(ofKeys.operation))
    return undefined;
  const results = [ofQueries, ofKeys, ofValues] as const;
  return { map: made, ofMap, results, between: found.filter((node) => !results.includes(node as never)) };
}

/** The way back that this map is read by alone, if there is one. */
export function attentionBackOfMap(lowering: Lowering, { output }: Node): AttentionBack | undefined {
  const shares = ofKind(lowering.usersOf(output), 'reshape')?.output;
  const products = shares ? lowering.usersOf(shares) : [];
  for (const { source } of products.flatMap(({ inputs }) => inputs)) {
    const given = source.kind === 'node' && ofKind([source.node], 'reshape')?.inputs[0]?.source;
    const ofMap = given && given.kind === 'node' ? ofKind([given.node], 'attentionScores') : undefined;
    const back = ofMap && attentionBackOf(lowering, ofMap);
    if (back?.map.output === output) return back;
  }
  return undefined;
}

/** Three steps: keys and values are arranged, the third does all the rest. */
export function attentionGradient(lowering: Lowering, { map, ofMap, results, between }: AttentionBack): void {
  const { heads, scale } = map.operation;
  const given = [...map.inputs, ...ofMap.inputs].map((value) => inLayout(lowering, value, 'planar'));
  const [q, k, gradient, v] = given;
  const [batch, , queries, keys] = map.output.shape;
  const channels = map.inputs[0].shape[2];
  const size = channels / heads;
  const outs = results.map(({ output }) => lowering.placeFor(output));
  const [ofQueries, ofKeys, ofValues] = outs;
  const spec = {
    ...{ batch, heads, queries, keys, size, scale },
    qStride: strideOf(q, batch),
    kStride: strideOf(k, batch),
    gradientStride: strideOf(gradient, batch),
    ofQueriesStride: strideOf(ofQueries, batch),
    ofKeysStride: strideOf(ofKeys, batch),
    ofValuesStride: strideOf(ofValues, batch),
  };
  const packed = [k, v].map((place) => packKeys(lowering, place, { ...spec, kStride: strideOf(place, batch) }));
  const scratch = lowering.newPlace(lowering.threads * attentionGradientScratch(lowering.panel, spec), 0);
  lowering.emit(
    `attentionGradient ${heads}×${queries}×${size}`,
    [q, k, ...packed, gradient, ...outs, scratch],
    (lib) => attentionGradientKernel(lib, spec),
    5 * batch * queries * keys * channels,
  );
  for (const node of [...between, ...results]) lowering.done.add(node);
  for (const [i, { output }] of results.entries()) lowering.finish(output, 'planar', outs[i]);
}
