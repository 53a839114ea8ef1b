/** Concatenations: whatever could be written into its part of the whole is there already, the rest is copied. */
import type { Node, Value } from '../../graph.ts';
import { batchOf, sampleBytes, samePlace, type Layout } from '../memory/place.ts';
import { copy, inLayout } from './layout.ts';
import type { Lowering } from './lowering.ts';
import type { NodeOf } from './rule.ts';

/** Along the channels: dense. */
export function concatChannels(lowering: Lowering, node: NodeOf<'concatChannels'>): void {
  join(lowering, node, 'dense', (part) => sampleBytes(part.shape));
}

/** Along the batch: tokens stay planes if they all are. */
export function concatBatch(lowering: Lowering, node: NodeOf<'concatBatch'>): void {
  const planar =
    node.output.shape.length === 3 && node.inputs.every((part) => lowering.storedOf(part).layout === 'planar');
  const { batchStride } = lowering.placeFor(node.output);
  join(lowering, node, planar ? 'planar' : 'dense', (part) => batchOf(part.shape) * batchStride);
}

/** `advance`: bytes from a part to the next one. */
function join(lowering: Lowering, { inputs, output }: Node, layout: Layout, advance: (part: Value) => number): void {
  const whole = lowering.placeFor(output);
  let { offset } = whole;
  for (const part of inputs) {
    const to = { ...whole, offset };
    const from = inLayout(lowering, part, layout);
    if (!samePlace(from, to, batchOf(part.shape))) copy(lowering, part.shape, from, to);
    offset += advance(part);
  }
  lowering.finish(output, layout, whole);
}
