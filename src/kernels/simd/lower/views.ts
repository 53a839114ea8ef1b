/** Operations without a step: the same bytes under another shape, or a part of them. */
import { sameShape, sizeOf } from '../../../tensor/tensor.ts';
import { dense, inLayout } from './layout.ts';
import type { Lowering } from './lowering.ts';
import type { NodeOf } from './rule.ts';

/** Tokens as the planes of a picture. */
export function toTokens(lowering: Lowering, { inputs: [x], output }: NodeOf<'toTokens'>): void {
  // A picture that is there only with its planes apart has no users but pointwise products, which find it.
  if (lowering.isStored(x)) lowering.finish(output, 'planar', dense(lowering, x));
}

/** A picture whose planes are those of the tokens. */
export function fromTokens(lowering: Lowering, { inputs: [x], output }: NodeOf<'fromTokens'>): void {
  lowering.finish(output, 'dense', inLayout(lowering, x, 'planar'));
}

/** A sample has no gaps: its numbers are the same, in the same order. Tokens that stay so may lie as planes. */
export function reshape(lowering: Lowering, { inputs: [x], output }: NodeOf<'reshape'>): void {
  const { layout, place } = lowering.storedOf(x);
  if (sameShape(x.shape, output.shape)) lowering.finish(output, layout, place);
  else lowering.finish(output, 'dense', dense(lowering, x));
}

/** Samples begin with the first of the channels. */
export function sliceChannels(lowering: Lowering, node: NodeOf<'sliceChannels'>): void {
  const { operation, inputs, output } = node;
  const [x] = inputs;
  const place = dense(lowering, x);
  const skipped = 4 * operation.start * sizeOf(x.shape.slice(2));
  lowering.finish(output, 'dense', { ...place, offset: place.offset + skipped });
}

/** The batch begins with the first of the samples. */
export function sliceBatch(lowering: Lowering, { operation, inputs: [x], output }: NodeOf<'sliceBatch'>): void {
  const { layout, place } = lowering.storedOf(x);
  const offset = place.offset + operation.start * place.batchStride;
  lowering.finish(output, layout, { ...place, offset });
}
