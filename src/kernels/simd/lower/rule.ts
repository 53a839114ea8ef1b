/** What it takes to lower one kind of operation. */
import type { Node } from '../../graph.ts';
import type { Kind, OperationOf } from '../../operations/index.ts';
import type { Lowering } from './lowering.ts';

/** A node whose operation is of this kind, or of one of these. */
export interface NodeOf<K extends Kind> extends Omit<Node, 'operation'> {
  readonly operation: { [J in K]: OperationOf<J> }[K];
}

/** Adds the steps that an operation needs, if any, and says where its output then lies. */
export type Rule<K extends Kind> = (lowering: Lowering, node: NodeOf<K>) => void;
