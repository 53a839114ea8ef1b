/** Operations left to the plain loops. */
import type { Node } from '../../graph.ts';
import { applyOperation } from '../../operations/index.ts';
import { referenceKernels } from '../../plain/index.ts';
import { contiguous } from './layout.ts';
import type { Lowering } from './lowering.ts';

/** Adds a step that calls the plain loop of an operation, with dense inputs. */
export function host(lowering: Lowering, { operation, inputs, output }: Node): void {
  const read = inputs.map((value) => ({ shape: value.shape, place: contiguous(lowering, value) }));
  const out = lowering.newTensor(output.shape);
  lowering.add({
    kind: 'host',
    name: `plain ${operation.kind}`,
    products: 0,
    compute: (tensors) => applyOperation(referenceKernels, operation, tensors),
    inputs: read,
    output: { shape: output.shape, place: out },
  });
  lowering.finish(output, 'dense', out);
}
