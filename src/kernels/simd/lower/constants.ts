/** Weights that are constants of the graph, so that they can be arranged for the tiles once and for all. */
import type { Tensor } from '../../../tensor/tensor.ts';
import { constantOf, type Node, type Value } from '../../graph.ts';
import type { NodeOf } from './rule.ts';

/** The weight and the bias of a product. */
export interface Weights {
  /** The constant that the weight is, or of which it is some input channels. */
  readonly weight: Tensor;
  /** The first of these channels. */
  readonly first: number;
  readonly bias: Tensor | undefined;
}

/** The operations that have a weight and perhaps a bias. */
export type ProductKind = 'conv2d' | 'upsampleConv2d' | 'linear';

/** Whether a node is one of these. */
export function isProduct(node: Node): node is Node & NodeOf<ProductKind> {
  return ['conv2d', 'upsampleConv2d', 'linear'].includes(node.operation.kind);
}

/**
 * The weight and the bias of a convolution or a linear layer if both are constants, or the weight the input channels of
 * one. If not, the plain loops do the product, on dense planes.
 */
export function constantWeights({ operation, inputs }: NodeOf<ProductKind>): Weights | undefined {
  const [, weight, bias] = inputs;
  const part = weightOf(weight);
  if (!part || (part.first !== undefined && operation.kind === 'upsampleConv2d')) return undefined;
  const offset = wholeConstant(bias);
  return offset || !bias ? { weight: part.tensor, first: part.first ?? 0, bias: offset } : undefined;
}

/** A constant from input channel `first` on, or as a whole. */
function weightOf(value: Value): { readonly tensor: Tensor; readonly first: number | undefined } | undefined {
  const { tensor, slice } = constantOf(value) ?? {};
  return tensor && slice?.kind !== 'sliceBatch' ? { tensor, first: slice?.start } : undefined;
}

function wholeConstant(value: Value | undefined): Tensor | undefined {
  return value?.source.kind === 'constant' ? value.source.tensor : undefined;
}
