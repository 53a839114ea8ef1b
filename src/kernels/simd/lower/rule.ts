/** What it takes to lower one kind of operation. */
import type { Node, Value } from '../../graph.ts';
import type { Kind, OperationOf } from '../../operations/index.ts';
import type { Lowering } from './lowering.ts';

/** A node whose operation is of this kind, or of one of these. */
export interface NodeOf<K extends Kind> extends Omit<Node, 'operation'> {
  readonly operation: { [J in K]: OperationOf<J> }[K];
}

/** Adds the steps that an operation needs, if any, and says where its output then lies. */
export type Rule<K extends Kind> = (lowering: Lowering, node: NodeOf<K>) => void;

/** Whether a node is of this kind. */
export function isOf<K extends Kind>(node: Node | undefined, kind: K): node is Node & NodeOf<K> {
  return node?.operation.kind === kind;
}

/** The operation that computes a value, if it is of this kind. */
export function maker<K extends Kind>(value: Value | undefined, kind: K): (Node & NodeOf<K>) | undefined {
  if (value?.source.kind !== 'node') return undefined;
  const { node } = value.source;
  return isOf(node, kind) ? node : undefined;
}
