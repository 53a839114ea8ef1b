/**
 * What the way back reads of the way there. As a rule all of it is kept. With checkpoints only what is read beyond the
 * next one is: the rest is computed a second time, a stretch from one checkpoint to the next, when the way back comes
 * to it. That is the trade of Chen et al., arXiv:1604.06174: less memory, for one more way there.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { tensorOf, type Kernels, type Tensors } from '../kernels.ts';
import { applyOperation } from '../operations/index.ts';

/** The tensor of each value of a graph that has been computed. */
export type ValueTensors = (value: Value) => Tensor;

/** Computes a graph. */
export function forward(graph: Graph, kernels: Kernels, given: Tensors): ValueTensors {
  const computed = new Map<Value, Tensor>();
  const tensorFor: ValueTensors = (value) => {
    const { source } = value;
    if (source.kind === 'constant') return source.tensor;
    if (source.kind === 'input') return tensorOf(given, source.name);
    return computed.get(value) ?? missing();
  };
  for (const node of graph.nodes) computed.set(node.output, applied(kernels, node, tensorFor));
  return tensorFor;
}

/** What a node makes. */
function applied(kernels: Kernels, { operation, inputs }: Node, tensorFor: ValueTensors): Tensor {
  return applyOperation(kernels, operation, inputs.map(tensorFor));
}

function missing(): never {
  throw new TypeError('a value is read before it is computed');
}

/**
 * Where the way back through a node finds tensors: those of `values`, or, of a stretch that ends in a checkpoint, new
 * ones with the same bits.
 */
export function computedAgain(
  graph: Graph,
  kernels: Kernels,
  values: ValueTensors,
  checkpoints: readonly Value[],
): (node: Node) => ValueTensors {
  if (checkpoints.length === 0) return () => values;
  const stretches = stretchesOf(graph, new Set(checkpoints));
  const last = Math.max(0, ...stretches.values());
  const kept = keptBeyond(graph, stretches);
  const known = new Map<number, ValueTensors>();
  return (node) => {
    const stretch = stretches.get(node) ?? missing();
    if (stretch === last) return values;
    const found = known.get(stretch) ?? stretchAgain(kernels, values, (value) => !kept.has(value));
    known.set(stretch, found);
    return found;
  };
}

/** Which stretch each node belongs to: a checkpoint ends the one in which it is computed. */
function stretchesOf({ nodes }: Graph, checkpoints: ReadonlySet<Value>): ReadonlyMap<Node, number> {
  let stretch = 0;
  return new Map(nodes.map((node) => [node, checkpoints.has(node.output) ? stretch++ : stretch]));
}

/** What is read in a later stretch than the one that computes it, or is a result. */
function keptBeyond({ nodes, outputs }: Graph, stretches: ReadonlyMap<Node, number>): ReadonlySet<Value> {
  const kept = new Set(outputs.values());
  for (const node of nodes) {
    for (const input of node.inputs) {
      const { source } = input;
      if (source.kind === 'node' && stretches.get(source.node) !== stretches.get(node)) kept.add(input);
    }
  }
  return kept;
}

/** The tensors of a stretch, each computed when it is first asked for, from those that are kept. */
function stretchAgain(kernels: Kernels, values: ValueTensors, isLost: (value: Value) => boolean): ValueTensors {
  const made = new Map<Value, Tensor>();
  const tensorFor: ValueTensors = (value) => {
    const { source } = value;
    if (source.kind !== 'node') return values(value);
    const tensor = made.get(value) ?? make(value, source.node);
    made.set(value, tensor);
    return tensor;
  };
  const make = (value: Value, node: Node): Tensor => {
    if (isLost(value)) return applied(kernels, node, tensorFor);
    // Under another name: whoever traces this would else find that all that follows has been computed before.
    const tensor = values(value);
    return kernels.reshape(tensor, tensor.shape.slice(1));
  };
  return tensorFor;
}
