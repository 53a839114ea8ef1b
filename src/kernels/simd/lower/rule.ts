/** What it takes to lower one kind of operation. */
import { InputError } from '../../../tensor/errors.ts';
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

/** A rule for each kind. */
export type Rules = { readonly [K in Kind]: Rule<K> };

/** Lowers an operation by the rule of its kind. @throws InputError where these rules have none */
export function lowerBy(rules: Partial<Rules>, lowering: Lowering, node: Node): void {
  const { kind } = node.operation;
  // The table gives each kind the rule for nodes of that kind, which TypeScript cannot follow from one to the other.
  const rule = rules[kind] as Rule<Kind> | undefined;
  if (!rule) throw withoutKernel(kind);
  rule(lowering, node);
}

/** What is said where a backend that cannot do everything is asked for what it has no kernel for. */
export function withoutKernel(operation: string): InputError {
  return new InputError(`this backend has no kernel for ${operation}; take simdBackend(), which has all`);
}
