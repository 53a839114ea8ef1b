/** Operations on every element that no other step does on the way. */
import type { Node, Value } from '../../graph.ts';
import { batchOf, sampleBytes, strideOf } from '../memory/place.ts';
import type { ActivationFunctions } from '../tiles/elementary.ts';
import { mapKernel, type MapOperation } from '../tiles/elementwise.ts';
import { inLayout } from './layout.ts';
import type { Lowering } from './lowering.ts';
import type { NodeOf, Rule } from './rule.ts';

/** The rule of activation functions: these by their kernels, the others by another rule. */
export function activationBy(functions: ActivationFunctions, others: Rule<'activation'>): Rule<'activation'> {
  return (lowering, node) => {
    const { activation: name } = node.operation;
    const code = functions[name];
    if (code) map(lowering, node, { kind: 'function', name, code, times: false });
    else others(lowering, node);
  };
}

/** x · factor + offset. */
export function affine(lowering: Lowering, node: NodeOf<'affine'>): void {
  map(lowering, node, node.operation);
}

/** x / divisor. */
export function divide(lowering: Lowering, node: NodeOf<'divide'>): void {
  map(lowering, node, node.operation);
}

/** Two tensors of one shape, or one that is spread over the other. */
export function combine(lowering: Lowering, node: NodeOf<'add' | 'subtract' | 'multiply'>): void {
  map(lowering, node, { kind: node.operation.kind });
}

/**
 * Adds the step of an operation on elements. The result lies as the first operand does, or dense where the second one
 * is spread, along its second dimension.
 */
export function map(lowering: Lowering, { inputs, output }: Node, operation: MapOperation): void {
  const [a] = inputs;
  const b: Value | undefined = inputs[1];
  const spread = b !== undefined && b.shape.length !== a.shape.length;
  const layout = spread ? 'dense' : lowering.storedOf(a).layout;
  const first = inLayout(lowering, a, layout);
  const second = b && inLayout(lowering, b, layout);
  const out = lowering.placeFor(output);
  const batch = batchOf(a.shape);
  const planes = spread ? a.shape[1] : 1;
  const name = operation.kind === 'function' ? operation.name : operation.kind;
  lowering.emit(name, second ? [first, second, out] : [first, out], (lib) =>
    mapKernel(lib, {
      operation,
      batch,
      planes,
      size: sampleBytes(a.shape) / 4 / planes,
      aStride: strideOf(first, batch),
      outStride: strideOf(out, batch),
      ...(second && { b: { stride: strideOf(second, batch), spread } }),
    }),
  );
  lowering.finish(output, layout, out);
}
