/**
 * What is done to a sum before it is stored: the bias, and the element-wise operations that follow a product in the
 * program and would each be a pass over memory. Every one rounds as its own kernel would.
 */
import { f32x4, set, v128 } from './assembler.ts';
import type { Code, I32, Local } from './assembler.ts';
import { keyOf } from '../key.ts';

export type EpilogueOp =
  /** + bias: one number per output channel. */
  | { readonly kind: 'bias' }
  /** + one number per sample and channel. */
  | { readonly kind: 'spread'; readonly batchStride: number }
  /** + a tensor of the output's shape and layout. */
  | { readonly kind: 'residual'; readonly batchStride: number }
  | { readonly kind: 'divide'; readonly divisor: number };

export type Epilogue = readonly EpilogueOp[];

/** The operations with a tensor operand have one address each, in their order. */
export function hasOperand(op: EpilogueOp): op is Exclude<EpilogueOp, { kind: 'divide' }> {
  return op.kind !== 'divide';
}

export function operandCount(epilogue: Epilogue): number {
  return epilogue.filter(hasOperand).length;
}

/** Where a vector of outputs finds its operands, in bytes from the operands' addresses. */
export interface EpiloguePlace {
  /** Of the number for its channel, where channels are the rows of a tile: a number to spread. */
  readonly channel?: number;
  /** Of the four numbers for its channels, where channels are the lanes. */
  readonly channels?: number;
  /** Of the four elements of a residual. */
  readonly element: number;
}

/** Applies the epilogue to `value`. `operands` are addresses for the ops that have one. */
export function applyEpilogue(
  epilogue: Epilogue,
  value: Local<'v128'>,
  operands: readonly I32[],
  place: EpiloguePlace,
): Code {
  let next = 0;
  return epilogue.map((op) => {
    if (op.kind === 'divide') return set(value, f32x4.div(value, f32x4.const(op.divisor)));
    const operand = operands[next++]!;
    const other =
      op.kind === 'residual'
        ? v128.load(operand, place.element)
        : place.channel !== undefined
          ? v128.load32Splat(operand, place.channel)
          : v128.load(operand, place.channels!);
    return set(value, f32x4.add(value, other));
  });
}

/** What a tile's code depends on. */
export function epilogueKinds(epilogue: Epilogue): string {
  return epilogue.map((op) => (op.kind === 'divide' ? keyOf(op) : op.kind)).join();
}
