/**
 * What is done to a sum before it is stored: the bias, and the element-wise operations that follow a product in the
 * program and would each be a pass over memory. Every one rounds as its own kernel would.
 */
import { keyOf } from '../../key.ts';
import { f32x4, set, v128 } from '../assembler/index.ts';
import type { Code, I32, Local, V128 } from '../assembler/index.ts';
import { at } from '../library.ts';

/** One of the operations. Strides are in bytes, from a sample to the next. */
export type EpilogueOp =
  /** + bias: one number per output channel. */
  | { readonly kind: 'bias' }
  /** + one number per sample and channel. */
  | { readonly kind: 'spread'; readonly batchStride: number }
  /** + a tensor of the output's shape and layout. */
  | { readonly kind: 'residual'; readonly batchStride: number }
  | { readonly kind: 'divide'; readonly divisor: number };

/** What is done to the sums of a product, in this order. */
export type Epilogue = readonly EpilogueOp[];

/** An operation that reads a tensor besides the sums. */
export type OperandOp = Exclude<EpilogueOp, { kind: 'divide' }>;

/** The operations with a tensor operand have one address each, in their order. */
export function hasOperand(op: EpilogueOp): op is OperandOp {
  return op.kind !== 'divide';
}

/** Where an operand begins for a sample and one of its pieces, of so many bytes of a plane. */
export function operandStart(op: OperandOp, start: I32, sample: I32, piece: I32, pieceBytes: number): I32 {
  if (op.kind === 'bias') return start;
  const ofSample = at(start, sample, op.batchStride);
  return op.kind === 'spread' ? ofSample : at(ofSample, piece, pieceBytes);
}

/** How many operands the epilogue reads. */
export function operandCount(epilogue: Epilogue): number {
  return epilogue.filter(hasOperand).length;
}

/**
 * Where a vector of outputs finds its operands, in bytes from the operands' addresses: the four elements of a residual
 * at `element`, and either the number for its channel (where channels are the rows of a tile) or the four numbers for
 * its channels (where channels are the lanes).
 */
export type EpiloguePlace = { readonly element: number } & (
  | { readonly channel: number }
  | { readonly channels: number }
);

function operandAt(op: OperandOp, address: I32, place: EpiloguePlace): V128 {
  if (op.kind === 'residual') return v128.load(address, place.element);
  return 'channel' in place ? v128.load32Splat(address, place.channel) : v128.load(address, place.channels);
}

/** Code that applies the epilogue to `value`. `operands` are addresses for the operations that have one. */
export function applyEpilogue(
  epilogue: Epilogue,
  value: Local<'v128'>,
  operands: readonly I32[],
  place: EpiloguePlace,
): Code {
  let next = 0;
  return epilogue.map((op) =>
    op.kind === 'divide'
      ? set(value, f32x4.div(value, f32x4.const(op.divisor)))
      : set(value, f32x4.add(value, operandAt(op, operands[next++], place))),
  );
}

/** What a tile's code depends on, as text for keys: not the strides, which whoever calls the tile applies. */
export function epilogueKinds(epilogue: Epilogue): string {
  return epilogue.map((op) => (op.kind === 'divide' ? keyOf(op) : op.kind)).join();
}
