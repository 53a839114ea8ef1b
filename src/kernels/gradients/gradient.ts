/**
 * Reverse-mode differentiation, as a program made from a program. The program becomes its graph; the graph is computed
 * forward, and then, operation by operation from the last one to the first, its gradient, by the rules. All of that
 * calls kernels and is a program again: a backend traces it, shares what both ways compute alike, and plans its memory
 * as that of any other.
 */
import { aFunction, checkOptions, mustBe, optional, textsAs, type Checks } from '../../tensor/checks.ts';
import { InputError } from '../../tensor/errors.ts';
import { sameShape, shapeText, type Tensor } from '../../tensor/tensor.ts';
import type { Graph, Node, Value } from '../graph.ts';
import type { Kernels, Program } from '../kernels.ts';
import type { Kind } from '../operations/index.ts';
import { traceProgram } from '../trace.ts';
import { computedAgain, forward, type ValueTensors } from './forward.ts';
import { rules } from './rules.ts';
import type { Rule } from './rule.ts';
import { onesLike, zerosLike } from './sums.ts';

/** What the gradient of an input is called: `grad.` and its name. */
export function gradientName(input: string): string {
  return `grad.${input}`;
}

/** How a gradient is to be computed. None of it changes the bits. */
export interface GradientOptions {
  /**
   * Names of results that only mark how far the program is (a stage's end), and are not given. What is computed between
   * one mark and the next is not kept for the way back, but for what is read beyond: it is computed again, stretch by
   * stretch. That takes less memory and up to half as long again; none unless given.
   */
  readonly checkpoints?: readonly string[];
}

/**
 * The program, and how one of its results changes with some of its inputs.
 * @param program of operations that can be derived; all but those that only gradients have
 * @param of the name of a result of one number, [1]: the loss
 * @param inputs the names of inputs
 * @returns a program with the results of the given one and, for each of these inputs, `grad.<name>` of its shape:
 *   ∂L/∂input, zeros where the loss does not depend on it
 * @throws InputError for a program, names or options that are none; and (the program) when there is no such result or
 *   input, the result is more than one number, or an operation that only gradients have stands between them
 */
export function gradient(
  program: Program,
  of: string,
  inputs: readonly string[],
  options: GradientOptions = {},
): Program {
  isProgram('the program', program);
  isName('the loss', of);
  areNames('the inputs', inputs);
  checkOptions('gradient', options, checks);
  const { checkpoints = [] } = options;
  return (kernels, given) => {
    const graph = traceProgram(program, given, kernels);
    const marks = checkpoints.map((name) => resultOf(graph, name));
    const values = forward(graph, kernels, given);
    const wanted = inputs.map((name) => inputOf(graph, name));
    const again = computedAgain(graph, kernels, values, marks);
    const gradients = backward(graph, kernels, again, lossOf(graph, of), new Set(wanted));
    const results = [...graph.outputs].filter(([name]) => !checkpoints.includes(name));
    return {
      ...Object.fromEntries(results.map(([name, value]) => [name, values(value)])),
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
const areNames = textsAs('a list of names, as ["x"]');
const checks: Checks<GradientOptions> = { checkpoints: optional(areNames) };

function inputOf({ inputs }: Graph, name: string): Value {
  const found = inputs.get(name);
  if (found) return found;
  throw new InputError(`gradient: the program has no input "${name}"; it has ${[...inputs.keys()].join(', ')}`);
}

function resultOf({ outputs }: Graph, name: string): Value {
  const found = outputs.get(name);
  if (found) return found;
  throw new InputError(`gradient: the program has no result "${name}"; it has ${[...outputs.keys()].join(', ')}`);
}

function lossOf(graph: Graph, name: string): Value {
  const found = resultOf(graph, name);
  if (sameShape(found.shape, [1])) return found;
  throw new InputError(`gradient: "${name}" has the shape ${shapeText(found.shape)}; a loss is one number, [1]`);
}

/** ∂loss/∂value of all values between the wanted ones and the loss. */
function backward(
  { nodes }: Graph,
  kernels: Kernels,
  tensorsFor: (node: Node) => ValueTensors,
  loss: Value,
  wanted: ReadonlySet<Value>,
): ReadonlyMap<Value, Tensor> {
  // What does not depend on a wanted value needs no gradient.
  const moved = new Set(wanted);
  for (const { inputs, output } of nodes) if (inputs.some((input) => moved.has(input))) moved.add(output);
  const ones = (): Tensor => onesLike(tensorsFor(nodes[nodes.length - 1])(loss), loss.shape);
  const gradients = new Map<Value, Tensor>([[loss, ones()]]);
  for (const node of [...nodes].reverse()) {
    const arrived = gradients.get(node.output);
    if (!arrived || !moved.has(node.output)) continue;
    const parts = backThrough(kernels, node, tensorsFor(node), arrived);
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
