/** What a program is lowered to: kernels in order, with the places in memory that they read and write. */
import { sizeOf } from '../../tensor/tensor.ts';
import type { Func } from './assembler.ts';
import type { Library } from './library.ts';
import type { Buffer, PackedWeight } from './memory.ts';
import type { Operation } from '../operations/index.ts';

/** Bytes in memory: in a buffer of the plan's arena, or, without buffer, at a fixed address. */
export interface Place {
  readonly buffer: Buffer | undefined;
  /** From the start of the buffer or of the memory. */
  readonly offset: number;
  /** Bytes from a sample to the next. Within a sample there are no gaps. */
  readonly batchStride: number;
}

/** `dense`: as the shape says. `planar`: tokens [B,N,C] that lie as [B,C,N]. */
export type Layout = 'dense' | 'planar';

/** Where a value lies, and how. */
export interface Stored {
  readonly layout: Layout;
  readonly place: Place;
}

/**
 * A kernel with the addresses that it is called with, or an operation left to the plain loops. `products`:
 * multiplications in its sums of products.
 */
export type Step =
  | {
      readonly kind: 'kernel';
      readonly name: string;
      readonly products: number;
      readonly make: (lib: Library) => Func;
      readonly operands: readonly Place[];
    }
  | {
      readonly kind: 'host';
      readonly name: string;
      readonly products: number;
      readonly operation: Operation;
      readonly inputs: readonly HostTensor[];
      readonly output: HostTensor;
    };

/** A dense tensor that the plain loops read or write. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly place: Place;
}

export interface StoredValue extends HostTensor {
  readonly name: string;
  readonly layout: Layout;
}

/** What a graph becomes. */
export interface Lowered {
  readonly steps: readonly Step[];
  readonly buffers: readonly Buffer[];
  readonly inputs: readonly StoredValue[];
  readonly outputs: readonly StoredValue[];
  readonly weights: readonly PackedWeight[];
}

export const batchOf = (shape: readonly number[]): number => shape[0] ?? 1;
/** Bytes of one sample. */
export const sampleBytes = (shape: readonly number[]): number => (4 * sizeOf(shape)) / Math.max(1, batchOf(shape));
