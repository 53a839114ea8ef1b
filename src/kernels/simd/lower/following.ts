/**
 * The element-wise operations that follow a product in the program: its step does them before it stores its sums, where
 * what they read is there by then and lies as the sums do.
 */
import type { Node, Value } from '../../graph.ts';
import { batchOf, isContiguous, strideOf, type Layout, type Place } from '../memory/place.ts';
import type { EpilogueOp } from '../tiles/epilogue.ts';
import type { Lowering } from './lowering.ts';

/** What a product's step does besides the product. */
export interface Chain {
  readonly ops: readonly EpilogueOp[];
  /** Of the operations that have one. */
  readonly operands: readonly Place[];
  /** The value that is then stored, and how it lies. */
  readonly final: Value;
  readonly layout: Layout;
}

/** A product, and how its sums lie when nothing is done to them. */
interface Product {
  readonly node: Node;
  readonly layout: Layout;
}

/** The operations after `node` that its step can do, marked as done. `layout`: how the product's output lies. */
export function following(lowering: Lowering, node: Node, layout: Layout): Chain {
  let chain: Chain = { ops: [], operands: [], final: node.output, layout };
  for (;;) {
    const user = lowering.onlyUser(chain.final);
    const longer = user && extended(lowering, { node, layout }, chain, user);
    if (!longer) return chain;
    lowering.done.add(user);
    chain = { ...longer, final: user.output };
  }
}

/** The chain with `user` at its end, if its step can do that, too. */
function extended(lowering: Lowering, product: Product, chain: Chain, user: Node): Chain | undefined {
  const { operation } = user;
  if (operation.kind === 'fromTokens' && chain.layout === 'planar') return { ...chain, layout: 'dense' };
  if (operation.kind === 'divide')
    return { ...chain, ops: [...chain.ops, { kind: 'divide', divisor: operation.divisor }] };
  if (operation.kind === 'add' && user.output.shape.length === chain.final.shape.length)
    return withSummand(lowering, product, chain, user);
  return undefined;
}

function withSummand(lowering: Lowering, { node, layout }: Product, chain: Chain, user: Node): Chain | undefined {
  const value = chain.final;
  const other = user.inputs[user.inputs[0] === value ? 1 : 0];
  const spread = other.shape.length === 2 && value.shape.length === 4;
  const ready = spread ? readyEarly(lowering, other) : isThere(lowering, other);
  if (!ready || (!spread && !canAddResidual(node, value, other))) return undefined;
  const { place, layout: otherLayout } = lowering.storedOf(other);
  if (otherLayout !== (spread ? 'dense' : chain.layout)) return undefined;
  // A linear layer on rows sees the whole tensor as one sample, and its channels last.
  const onRows = node.operation.kind === 'linear' && layout === 'dense';
  if (onRows && (spread || !isContiguous(place, value.shape))) return undefined;
  const batchStride = strideOf(place, batchOf(value.shape));
  return {
    ...chain,
    ops: [...chain.ops, { kind: spread ? 'spread' : 'residual', batchStride }],
    operands: [...chain.operands, place],
  };
}

/** Whether the sums can be added to a tensor of their shape. */
function canAddResidual(node: Node, value: Value, other: Value): boolean {
  // The outputs of a phase are not neighbours, which a vector of another picture is.
  return node.operation.kind !== 'upsampleConv2d' && other !== value && other.shape.length === value.shape.length;
}

/** Whether a value can be read: it is a constant, or has been computed. */
export function isThere(lowering: Lowering, value: Value): boolean {
  return value.source.kind === 'constant' || lowering.isStored(value);
}

/**
 * Computes a value of rows before its turn, where that needs no picture still to come; says whether it is there. So
 * the embedding of time, which is next to no work, does not come too late to be added before a convolution stores its
 * sums.
 */
function readyEarly(lowering: Lowering, value: Value): boolean {
  if (isThere(lowering, value)) return true;
  if (value.source.kind !== 'node' || value.shape.length > 2) return false;
  const { node } = value.source;
  if (!node.inputs.every((input) => readyEarly(lowering, input))) return false;
  lowering.lowerNode(node);
  lowering.done.add(node);
  return true;
}
