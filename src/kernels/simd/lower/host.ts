/** Operations left to the plain loops. */
import type { Node } from '../../graph.ts';
import type { Kernels } from '../../kernels.ts';
import { applyOperation, type Kind } from '../../operations/index.ts';
import { contiguous } from './layout.ts';
import type { Lowering } from './lowering.ts';
import type { Rule } from './rule.ts';

/** The rule of the operation with this plain loop: a step that calls it, with dense inputs. */
export function host<K extends Kind>(loop: Pick<Kernels, K>): Rule<K> {
  return (lowering: Lowering, node) => {
    // It is the rule of this kind alone, and the shapes have been checked when the operation was written down.
    const { operation, inputs, output } = node as unknown as Node;
    const read = inputs.map((value) => ({ shape: value.shape, place: contiguous(lowering, value) }));
    const out = lowering.newTensor(output.shape);
    lowering.add({
      kind: 'host',
      name: `plain ${operation.kind}`,
      products: 0,
      compute: (tensors) => applyOperation(loop as unknown as Kernels, operation, tensors),
      inputs: read,
      output: { shape: output.shape, place: out },
    });
    lowering.finish(output, 'dense', out);
  };
}
