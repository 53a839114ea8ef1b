/**
 * The way back through attention, as gradients/attention.ts puts it together: where nobody else reads what stands in
 * between, its operations are one step, and no map is made.
 */
import { sameShape } from '../../../tensor/tensor.ts';
import type { Node, Value } from '../../graph.ts';
import type { Kind } from '../../operations/index.ts';
import { strideOf } from '../memory/place.ts';
import { attentionGradientKernel, attentionGradientScratch } from '../tiles/attention-gradient.ts';
import { attentionMap, attentionScores } from './attention.ts';
import { inLayout } from './layout.ts';
import { isOnes } from './linear.ts';
import type { Lowering } from './lowering.ts';
import { packKeys } from './packed-keys.ts';
import { isOf, maker, type NodeOf } from './rule.ts';

/** The operations of one attention's way back. */
interface AttentionBack {
  readonly map: Node & NodeOf<'attentionMap'>;
  /** ∂L/∂map: the scores of the gradient and the values. */
  readonly ofMap: Node & NodeOf<'attentionScores'>;
  /** Those that give ∂L/∂ of queries, keys and values. */
  readonly results: readonly Node[];
  /** These, and all that stand between. */
  readonly all: readonly Node[];
}

/** Finds operations that follow one another, each the only reader of what is before it; views are passed over. */
interface Trail {
  /** The one reader of a value, if it is of this kind. */
  next<K extends Kind>(value: Value | undefined, kind: K): (Node & NodeOf<K>) | undefined;
  /** Both readers of a value, if it has two. */
  both(value: Value | undefined): readonly Node[];
  /** Whatever has been passed. */
  readonly passed: readonly Node[];
}

function trail(lowering: Lowering): Trail {
  const passed: Node[] = [];
  const readers = (value: Value | undefined, count: number): readonly Node[] => {
    const users = value && !lowering.isOutput(value) ? lowering.usersOf(value) : [];
    if (users.length !== count) return [];
    passed.push(...users);
    return users;
  };
  const next: Trail['next'] = (value, kind) => {
    const [user] = readers(value, 1);
    if (isOf(user, kind)) return user;
    return isOf(user, 'reshape') ? next(user.output, kind) : undefined;
  };
  return { next, both: (value) => readers(value, 2), passed };
}

/** The way back that begins with this ∂L/∂map, if it is one, and whole. */
function attentionBackOf(lowering: Lowering, ofMap: Node & NodeOf<'attentionScores'>): AttentionBack | undefined {
  const way = trail(lowering);
  const [gradient] = ofMap.inputs;
  const softmax = softmaxBack(way, ofMap.output);
  if (!softmax || !isOfValues(ofMap, softmax.map)) return undefined;
  const { map, ofScores } = softmax;
  const [q, k] = map.inputs;
  // dS K and dSᵀ Q, scaled; and Pᵀ dO.
  const { scale } = map.operation;
  const mixed = (node: Node | undefined, values: Value): Value | undefined =>
    isOf(node, 'applyAttentionMap') && node.inputs[1] === values ? node.output : undefined;
  const turned = (nodes: readonly Node[]): Node | undefined =>
    way.next(nodes.find((node) => isOf(node, 'transposeMap'))?.output, 'applyAttentionMap');
  const scaled = (value: Value | undefined): Node | undefined => {
    const node = way.next(value, 'affine');
    return node?.operation.factor === scale && node.operation.offset === 0 ? node : undefined;
  };
  const readers = way.both(ofScores);
  const ofQueries = scaled(
    mixed(
      readers.find((node) => isOf(node, 'applyAttentionMap')),
      k,
    ),
  );
  const ofKeys = scaled(mixed(turned(readers), q));
  const ofValues = maker(mixed(turned(way.both(map.output)), gradient), 'applyAttentionMap');
  if (!ofQueries || !ofKeys || !ofValues) return undefined;
  return { map, ofMap, results: [ofQueries, ofKeys, ofValues], all: way.passed };
}

/** Whether ∂L/∂map is that of a map that was applied to values with as many channels as the queries have. */
function isOfValues(
  { operation, inputs: [gradient] }: NodeOf<'attentionScores'>,
  map: NodeOf<'attentionMap'>,
): boolean {
  return (
    operation.scale === 1 && operation.heads === map.operation.heads && sameShape(gradient.shape, map.inputs[0].shape)
  );
}

/** The way back through a softmax: the map that it made, and ∂L/∂scores, of ∂L/∂map. */
function softmaxBack(
  { next, both }: Trail,
  ofMap: Value,
): { readonly map: Node & NodeOf<'attentionMap'>; readonly ofScores: Value } | undefined {
  // g · y, and its sum over each row, which is taken off g; then once more times y.
  const g = next(ofMap, 'reshape')?.output;
  const products = both(g).find((node) => isOf(node, 'multiply'));
  const y = products?.inputs.find((input) => input !== g);
  const sums = next(products?.output, 'linear');
  const negative = next(sums?.output, 'affine');
  const less = next(negative?.output, 'add');
  const slopes = next(less?.output, 'multiply');
  const ofScores = next(slopes?.output, 'reshape')?.output;
  const map = maker(maker(y, 'reshape')?.inputs[0], 'attentionMap');
  if (!map || !ofScores || !y || !sums || !negative || less?.inputs[0] !== g) return undefined;
  const { shape } = map.output;
  const areOfMap = [ofMap, ofScores].every((value) => sameShape(value.shape, shape)) && y.shape.at(-1) === shape.at(-1);
  const areTakenOff = areSumsOf(y, sums) && negative.operation.factor === -1 && negative.operation.offset === 0;
  const isAlone = both(y).every((node) => node === products || node === slopes);
  return areOfMap && areTakenOff && isAlone ? { map, ofScores } : undefined;
}

/** Whether a linear layer adds up rows as long as those of `y`, and adds nothing else. */
function areSumsOf({ shape }: Value, { inputs: [, weight, bias] }: NodeOf<'linear'>): boolean {
  return bias === undefined && isOnes(weight) && weight.shape[1] === shape.at(-1);
}

/** The way back that this map is read by alone, if there is one. */
function attentionBackOfMap(lowering: Lowering, { output }: Node): AttentionBack | undefined {
  const shares = lowering.usersOf(output).find((node) => isOf(node, 'reshape'))?.output;
  const products = shares ? lowering.usersOf(shares) : [];
  for (const value of products.flatMap(({ inputs }) => inputs)) {
    const ofMap = maker(maker(value, 'reshape')?.inputs[0], 'attentionScores');
    const back = ofMap && attentionBackOf(lowering, ofMap);
    if (back?.map.output === output) return back;
  }
  return undefined;
}

/** Three steps: keys and values are arranged, the third does all the rest. */
function attentionGradient(lowering: Lowering, { map, ofMap, results, all }: AttentionBack): void {
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
  for (const node of all) lowering.done.add(node);
  for (const [i, { output }] of results.entries()) lowering.finish(output, 'planar', outs[i]);
}

/** The scores of a gradient may be those of a whole way back; others are made. */
export function attentionScoresOrBack(lowering: Lowering, node: NodeOf<'attentionScores'>): void {
  const back = attentionBackOf(lowering, node);
  if (back) attentionGradient(lowering, back);
  else attentionScores(lowering, node);
}

/** A map, unless it is a way back's, which makes none. */
export function attentionMapOrNone(lowering: Lowering, node: NodeOf<'attentionMap'>): void {
  if (!attentionBackOfMap(lowering, node)) attentionMap(lowering, node);
}
