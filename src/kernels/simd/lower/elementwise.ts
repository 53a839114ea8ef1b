/** Operations on every element that no other step does on the way. */
import { sameShape } from '../../../tensor/tensor.ts';
import type { Node, Value } from '../../graph.ts';
import { batchOf, sampleBytes, strideOf } from '../memory/place.ts';
import { mapKernel, type MapOperation } from '../tiles/elementwise.ts';
import { host } from './host.ts';
import { inLayout } from './layout.ts';
import type { Lowering } from './lowering.ts';
import { siluBackOf } from './norm-with-silu.ts';
import type { NodeOf } from './rule.ts';

/** An activation function; tanh, which models have on small tensors only, by the plain loop. */
export function activation(lowering: Lowering, node: NodeOf<'activation'>): void {
  const { activation: kind } = node.operation;
  if (kind === 'tanh') host(lowering, node);
  else map(lowering, node, { kind });
}

/**
 * The derivative of one, with the multiplication that follows; that of tanh by the plain loop, too. That of a SiLU
 * behind a group norm may be left to the norm's gradient.
 */
export function activationDerivative(lowering: Lowering, node: NodeOf<'activationDerivative'>): void {
  const left = siluBackOf(lowering, node);
  if (left) {
    lowering.done.add(left.product);
    return;
  }
  const { activation: of } = node.operation;
  const [x] = node.inputs;
  const product = lowering.onlyUser(node.output);
  const [first, second] = product?.inputs ?? [];
  const other = first === node.output ? second : first;
  if (of === 'tanh') host(lowering, node);
  else if (product?.operation.kind === 'multiply' && other && isThere(lowering, other, x)) {
    lowering.done.add(product);
    map(lowering, { ...product, inputs: [x, other] }, { kind: 'derivative', of, times: true });
  } else map(lowering, node, { kind: 'derivative', of, times: false });
}

/** Whether a value has been computed, and is of the shape of another one. */
function isThere(lowering: Lowering, value: Value, like: Value): boolean {
  return lowering.isStored(value) && sameShape(value.shape, like.shape);
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

/** The result lies as the first operand does, or dense where the second one is spread, along its second dimension. */
function map(lowering: Lowering, { inputs, output }: Node, operation: MapOperation): void {
  const [a] = inputs;
  const b: Value | undefined = inputs[1];
  const spread = b !== undefined && b.shape.length !== a.shape.length;
  const layout = spread ? 'dense' : lowering.storedOf(a).layout;
  const first = inLayout(lowering, a, layout);
  const second = b && inLayout(lowering, b, layout);
  const out = lowering.placeFor(output);
  const batch = batchOf(a.shape);
  const planes = spread ? a.shape[1] : 1;
  lowering.emit(operation.kind, second ? [first, second, out] : [first, out], (lib) =>
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
