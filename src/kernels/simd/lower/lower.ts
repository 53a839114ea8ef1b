/**
 * From a graph to steps: which kernel runs on which memory. Here it is decided
 * - how each tensor lies in memory (tokens as planes, so that a linear layer on them is a convolution),
 * - which operations are done on the way by the step before them (bias, residual, division, SiLU, borders of zeros),
 * - what is never copied because it is written or read in place (concatenation, slices, tokens ↔ picture).
 * None of it changes a rounding.
 */
import { constantOf, type Graph } from '../../graph.ts';
import type { WeightStore } from '../memory/weights.ts';
import { lowering, type LoweringOptions } from './lowering.ts';
import { lowerBy, type Rules } from './rule.ts';
import type { Lowered, StoredValue } from './steps.ts';

/**
 * The steps of a graph, with the memory that they need. Their buffers have no offsets yet; `layOut` gives them.
 * @throws InputError where an operation has no rule
 */
export function lower(graph: Graph, rules: Partial<Rules>, options: LoweringOptions, store: WeightStore): Lowered {
  const made = lowering(graph, options, store, (at, node) => lowerBy(rules, at, node));
  const inputs = [...graph.inputs].map(([name, value]): StoredValue => {
    const place = made.placeFor(value);
    made.finish(value, 'dense', place);
    return { name, shape: value.shape, layout: 'dense', place };
  });
  // Parts of constants are found where they are needed.
  for (const node of graph.nodes) if (!made.done.has(node) && !constantOf(node.output)) made.lowerNode(node);
  const outputs = [...graph.outputs].map(([name, value]): StoredValue => {
    const { layout, place } = made.storedOf(value);
    made.use(place);
    return { name, shape: value.shape, layout, place };
  });
  return { steps: made.steps, buffers: made.buffers, inputs, outputs, weights: made.weights };
}
