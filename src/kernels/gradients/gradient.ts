/**
 * Reverse-mode differentiation, as a program made from a program. The program becomes its graph; the graph is computed
 * forward, and then, operation by operation from the last one to the first, its gradient, by the rules. All of that
 * calls kernels and is a program again: a backend traces it, shares what both ways compute alike, and plans its memory
 * as that of any other.
 */
import { aFunction, mustBe } from '../../tensor/checks.ts';
import { InputError } from '../../tensor/errors.ts';
import { sameShape, shapeText, type Tensor } from '../../tensor/tensor.ts';
import type { Graph, Node, Value } from '../graph.ts';
import { tensorOf, type Kernels, type Program, type Tensors } from '../kernels.ts';
import { applyOperation, type Kind } from '../operations/index.ts';
import { traceProgram } from '../trace.ts';
import { rules } from './rules.ts';
import type { Rule } from './rule.ts';
import { onesLike, zerosLike } from './sums.ts';

/** What the gradient of an input is called: `grad.` and its name. */
export function gradientName(input: string): string {
  return `grad.${input}`;
}

/**
 * The program, and how one of its results changes with some of its inputs.
 * @param program of operations that can be derived; all but those that only gradients have
 * @param of the name of a result of one number, [1]: the loss
 * @param inputs the names of inputs
 * @returns a program with the results of the given one and, for each of these inputs, `grad.<name>` of its shape:
 *   ∂L/∂input, zeros where the loss does not depend on it
 * @throws InputError for a program or names that are none; and (the program) when there is no such result or input, the result is more than one number, or an
 *   operation that only gradients have stands between them
 */
export function gradient(program: Program, of: string, inputs: readonly string[]): Program {
  isProgram('the program', program);
  isName('the loss', of);
  areNames('the inputs', inputs);
  return (kernels, given) => {
    const graph = traceProgram(program, given, kernels);
    const values = forward(graph, kernels, given);
    const wanted = inputs.map((name) => inputOf(graph, name));
    const gradients = backward(graph, kernels, values, lossOf(graph, of), new Set(wanted));
    return {
      ...Object.fromEntries([...graph.outputs].map(([name, value]) => [name, values(value)])),
      ...Object.fromEntries(
        wanted.map((value, i) => [
          gradientName(inputs[i]),
          gradients.get(value) ?? zerosLike(values(value), value.shape),
        ]),
      ),
    };
  };
}

const isProgram = aFunction('a function of kernels and tensors');
const isName = mustBe('the name of a result, as "loss"', (name) => typeof name === 'string');
const areNames = mustBe(
  'a list of names, as ["x"]',
  (names) => Array.isArray(names) && names.every((name) => typeof name === 'string'),
);

function inputOf({ inputs }: Graph, name: string): Value {
  const found = inputs.get(name);
  if (found) return found;
  throw new InputError(`gradient: the program has no input "${name}"; it has ${[...inputs.keys()].join(', ')}`);
}

function lossOf({ outputs }: Graph, name: string): Value {
  const found = outputs.get(name);
  if (!found)
    throw new InputError(`gradient: the program has no result "${name}"; it has ${[...outputs.keys()].join(', ')}`);
  if (sameShape(found.shape, [1])) return found;
  throw new InputError(`gradient: "${name}" has the shape ${shapeText(found.shape)}; a loss is one number, [1]`);
}

/** The tensor of each value of a graph that has been computed. */
type ValueTensors = (value: Value) => Tensor;

function forward(graph: Graph, kernels: Kernels, given: Tensors): ValueTensors {
  const computed = new Map<Value, Tensor>();
  const tensorFor: ValueTensors = (value) => {
    const { source } = value;
    if (source.kind === 'constant') return source.tensor;
    if (source.kind === 'input') return tensorOf(given, source.name);
    return computed.get(value) ?? missing();
  };
  for (const { operation, inputs, output } of graph.nodes)
    computed.set(output, applyOperation(kernels, operation, inputs.map(tensorFor)));
  return tensorFor;
}

function missing(): never {
  throw new TypeError('a value is read before it is computed');
}

/** ∂loss/∂value of all values between the wanted ones and the loss. */
function backward(
  { nodes }: Graph,
  kernels: Kernels,
  tensorFor: ValueTensors,
  loss: Value,
  wanted: ReadonlySet<Value>,
): ReadonlyMap<Value, Tensor> {
  // What does not depend on a wanted value needs no gradient.
  const moved = new Set(wanted);
  for (const { inputs, output } of nodes) if (inputs.some((input) => moved.has(input))) moved.add(output);
  const gradients = new Map<Value, Tensor>([[loss, onesLike(tensorFor(loss), loss.shape)]]);
  for (const node of [...nodes].reverse()) {
    const arrived = gradients.get(node.output);
    if (!arrived || !moved.has(node.output)) continue;
    const parts = backThrough(kernels, node, tensorFor, arrived);
    for (const [i, input] of node.inputs.entries()) {
      if (!moved.has(input)) continue;
      const known = gradients.get(input);
      const part = parts[i]();
      gradients.set(input, known ? kernels.add(known, part) : part);
    }
  }
  return gradients;
}

function backThrough(
  kernels: Kernels,
  { operation, inputs, output }: Node,
  tensorFor: ValueTensors,
  gradientOfOutput: Tensor,
): ReturnType<Rule<Kind>> {
  // The table gives each kind the rule for its own numbers, which TypeScript cannot follow from one to the other.
  const rule = rules[operation.kind] as Rule<Kind>;
  return rule({
    kernels,
    attributes: operation,
    inputs: inputs.map(tensorFor),
    output: tensorFor(output),
    gradient: gradientOfOutput,
  });
}
