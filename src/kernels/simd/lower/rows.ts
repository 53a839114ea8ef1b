/** Softmax and layer norm: the numbers of the last dimension, row by row. */
import { sizeOf } from '../../../tensor/tensor.ts';
import type { Node } from '../../graph.ts';
import type { Func } from '../assembler/index.ts';
import type { Library } from '../library.ts';
import { layerNormKernel } from '../tiles/layer-norm.ts';
import { softmaxKernel, type RowsSpec } from '../tiles/softmax.ts';
import { contiguous } from './layout.ts';
import type { Lowering } from './lowering.ts';
import type { NodeOf } from './rule.ts';

/** One step over all rows. */
export function softmax(lowering: Lowering, node: NodeOf<'softmax'>): void {
  onRows(lowering, node, softmaxKernel);
}

/** One step over all rows. */
export function layerNorm(lowering: Lowering, node: NodeOf<'layerNorm'>): void {
  const { eps } = node.operation;
  onRows(lowering, node, (lib, spec) => layerNormKernel(lib, { ...spec, eps }));
}

function onRows(lowering: Lowering, node: Node, make: (lib: Library, spec: RowsSpec) => Func): void {
  const { operation, inputs, output } = node;
  const size = output.shape.at(-1) ?? 1;
  const spec = { rows: sizeOf(output.shape) / size, size };
  const operands = inputs.map((value) => contiguous(lowering, value));
  const out = lowering.newTensor(output.shape);
  lowering.emit(`${operation.kind} ${spec.rows}×${size}`, [...operands, out], (lib) => make(lib, spec));
  lowering.finish(output, 'dense', out);
}
