/** What is known while a graph is lowered: the steps so far, where values lie, and who reads them. */
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Graph, Node, Value } from '../../graph.ts';
import type { LibraryOptions } from '../library.ts';
import type { Place } from '../memory/place.ts';
import { placement, type Placement } from '../memory/placement.ts';
import type { PlacedPlanes } from '../memory/planes.ts';
import type { Packing, WeightStore } from '../memory/weights.ts';
import { stepList, type StepList } from './step-list.ts';

/** What the kernels' memory depends on: threads, which have their own scratch, and how wide tiles are. */
export interface LoweringOptions extends Pick<LibraryOptions, 'threads' | 'panel'> {
  /** Whether a weight stays in memory; if not, it is loaded whenever the program runs. All stay, unless given. */
  readonly keeps?: (tensor: Tensor, packing: Packing) => boolean;
}

/** A graph on its way to steps. Every rule (see rule.ts) is a function of it and of the operation to be lowered. */
export interface Lowering extends Placement, StepList, LoweringOptions {
  /** The operations that read a value, each as often as it does. */
  usersOf(value: Value): readonly Node[];
  isOutput(value: Value): boolean;
  /** The one operation that reads a value, if there is one, and nobody else does. */
  onlyUser(value: Value): Node | undefined;
  /** Operations that the steps so far have done; they get none of their own. */
  readonly done: Set<Node>;
  /** Copies of values in another layout than the one in which they were made, by value and layout. */
  readonly converted: Map<string, Place>;
  /** Pictures with a border, or with their planes apart, by value and border. */
  readonly bordered: Map<string, PlacedPlanes>;
  /** Lowers an operation, perhaps before its turn. */
  lowerNode(node: Node): void;
}

/** The lowering of a graph, without steps yet. `lowerNode` is what knows the rules. */
export function lowering(
  graph: Graph,
  options: LoweringOptions,
  store: WeightStore,
  lowerNode: (lowering: Lowering, node: Node) => void,
): Lowering {
  const list = stepList(options.panel);
  const users = consumersOf(graph);
  const outputs = new Set(graph.outputs.values());
  const usersOf = (value: Value): readonly Node[] => users.get(value) ?? [];
  const isOutput = (value: Value): boolean => outputs.has(value);
  const made: Lowering = {
    ...placement(graph, store, list.newPlace),
    ...list,
    ...options,
    usersOf,
    isOutput,
    onlyUser: (value) => (isOutput(value) || usersOf(value).length !== 1 ? undefined : usersOf(value)[0]),
    done: new Set(),
    converted: new Map(),
    bordered: new Map(),
    lowerNode: (node) => lowerNode(made, node),
  };
  return made;
}

function consumersOf(graph: Graph): ReadonlyMap<Value, readonly Node[]> {
  const users = new Map<Value, Node[]>();
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      const known = users.get(input);
      if (known) known.push(node);
      else users.set(input, [node]);
    }
  }
  return users;
}
