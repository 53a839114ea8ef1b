/**
 * From a program to its graph: the program is run once with symbolic tensors, which have a shape but no values, and
 * kernels that write down what they are asked for. Tensors with values that the program brings along (weights) become
 * constants of the graph. An operation on constants alone is computed at once, but for slices, which stay what they
 * are: parts of a constant, no copies.
 */
import { identityOf } from '../tensor/deferred.ts';
import { InputError } from '../tensor/errors.ts';
import { sameShape, type DType, type FloatArray, type Tensor } from '../tensor/tensor.ts';
import { isSlice, type Graph, type Node, type Value } from './graph.ts';
import { convolveApart, type Origin } from './joined.ts';
import { keyOf } from './key.ts';
import type { Kernels, Program, Tensors } from './kernels.ts';
import { inOrder, type Order } from './order.ts';
import { applyOperation, kernelsFrom, type Operation, type Shape } from './operations/index.ts';
import { checkProgram, checkShaped, resultsOf } from './run.ts';

/**
 * The graph of `program` for inputs of these shapes.
 * @param inputs their shapes and dtypes alone are read, never their numbers
 * @param fold the kernels that compute what depends on constants alone; without them it becomes operations, too
 * @param order of the sums of convolutions
 * @throws InputError when operations are given what does not fit, or the program looks at values
 */
export function traceProgram(
  program: Program,
  inputs: Tensors,
  fold: Kernels | undefined,
  order: Order = 'direct',
): Graph {
  checkProgram(program, inputs, checkShaped);
  const recording = record(fold, order);
  const symbols = Object.entries(inputs).map(
    ([name, { shape, dtype }]) => [name, recording.symbol(shape, dtype, { kind: 'input', name })] as const,
  );
  const results = resultsOf(program, recording.kernels, Object.fromEntries(symbols));
  const outputs = new Map(Object.entries(results).map(([name, tensor]) => [name, recording.valueFor(tensor)]));
  return {
    inputs: new Map(symbols.map(([name, tensor]) => [name, recording.valueFor(tensor)])),
    nodes: neededNodes(recording.nodes, outputs.values()),
    outputs,
  };
}

/** A graph as it is being written, and the kernels that write it. */
interface Recording {
  readonly kernels: Kernels;
  readonly nodes: readonly Node[];
  symbol(shape: Shape, dtype: DType, source: Value['source']): Tensor;
  valueFor(tensor: Tensor): Value;
}

function record(fold: Kernels | undefined, order: Order): Recording {
  const values = new WeakMap<Tensor, Value>();
  const constants = new Map<object, Value>();
  const common = new Map<string, Tensor>();
  const origins = new WeakMap<Tensor, Origin>();
  const nodes: Node[] = [];
  let count = 0;

  const symbol: Recording['symbol'] = (shape, dtype, source) => {
    const tensor = symbolOf(shape, dtype);
    values.set(tensor, { id: count++, shape, source });
    return tensor;
  };
  const valueFor = (tensor: Tensor): Value => {
    const known = values.get(tensor) ?? constants.get(identityOf(tensor));
    if (known && sameShape(known.shape, tensor.shape)) return known;
    const made: Value = {
      id: count++,
      shape: tensor.shape,
      source: { kind: 'constant', tensor },
    };
    constants.set(identityOf(tensor), made);
    return made;
  };
  const write = (given: Operation, tensors: readonly Tensor[], shape: Shape): Tensor => {
    const operation = inOrder(order, given, tensors);
    const isConstant = !tensors.some((tensor) => values.has(tensor));
    if (fold && isConstant && !isSlice(operation)) return applyOperation(fold, operation, tensors);
    const read = tensors.map(valueFor);
    // What has been computed once is not computed again.
    const key = keyOf([operation, read.map(({ id }) => id)]);
    const known = common.get(key);
    if (known) return known;
    const result = symbolOf(shape, tensors[0].dtype);
    const node = nodeOf(operation, read, { id: count++, shape });
    values.set(result, node.output);
    nodes.push(node);
    common.set(key, result);
    origins.set(result, { operation, inputs: tensors });
    return result;
  };

  const kernels: Kernels = kernelsFrom({
    operation: write,
    joinedConv2d: (...given) => convolveApart(kernels, (tensor) => origins.get(tensor), ...given),
  });
  return { kernels, nodes, symbol, valueFor };
}

/** A node, and the value that it gives, which points back at it. */
function nodeOf(operation: Operation, inputs: readonly Value[], output: Pick<Value, 'id' | 'shape'>): Node {
  const node: Node = {
    operation,
    inputs,
    output: {
      ...output,
      get source() {
        return { kind: 'node' as const, node };
      },
    },
  };
  return node;
}

/** A tensor that has a shape but no values. */
function symbolOf(shape: Shape, dtype: DType): Tensor {
  return {
    dtype,
    shape,
    get data(): FloatArray {
      throw new InputError('a program may not look at the values of its tensors, only at their shapes');
    },
  };
}

function neededNodes(nodes: readonly Node[], outputs: Iterable<Value>): readonly Node[] {
  const needed = new Set(outputs);
  const kept = [...nodes].reverse().filter((node) => {
    if (!needed.has(node.output)) return false;
    for (const input of node.inputs) needed.add(input);
    return true;
  });
  return kept.reverse();
}
