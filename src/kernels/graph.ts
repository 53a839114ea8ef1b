/** A program as data: which operations on which values, in order. */
import type { Tensor } from '../tensor/tensor.ts';
import type { Operation, OperationOf, Shape } from './operations/index.ts';

/** A tensor of the graph, without its numbers unless it is a constant. */
export interface Value {
  /** One number for each value of a graph. */
  readonly id: number;
  readonly shape: Shape;
  /** Where it comes from: the caller, the program (a weight), or another operation. */
  readonly source:
    | { readonly kind: 'input'; readonly name: string }
    | { readonly kind: 'constant'; readonly tensor: Tensor }
    | { readonly kind: 'node'; readonly node: Node };
}

/** One operation of the graph. */
export interface Node {
  readonly operation: Operation;
  /** Its tensors, in the order of the kernel's arguments. */
  readonly inputs: readonly Value[];
  readonly output: Value;
}

/** What a program computes for inputs of certain shapes. */
export interface Graph {
  /** By the names that the program was given them under. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** In the order of the program, without what no output needs; what is computed twice stands here once. */
  readonly nodes: readonly Node[];
  /** By the names that the program gives them. */
  readonly outputs: ReadonlyMap<string, Value>;
}

/** A constant, or the part of one that a slice leaves: what a weight may be. */
export interface ConstantPart {
  readonly tensor: Tensor;
  /** Undefined where it is the whole constant. */
  readonly slice: OperationOf<'sliceChannels' | 'sliceBatch'> | undefined;
}

/** The constant that a value is, or is a slice of; undefined for what is computed from inputs. */
export function constantOf({ source }: Value): ConstantPart | undefined {
  if (source.kind === 'constant') return { tensor: source.tensor, slice: undefined };
  if (source.kind === 'input') return undefined;
  const {
    operation,
    inputs: [whole],
  } = source.node;
  if (!isSlice(operation) || whole.source.kind !== 'constant') return undefined;
  return { tensor: whole.source.tensor, slice: operation };
}

/** Whether an operation takes out a part of its input. */
export function isSlice(operation: Operation): operation is OperationOf<'sliceChannels' | 'sliceBatch'> {
  return operation.kind === 'sliceChannels' || operation.kind === 'sliceBatch';
}
