/** What a program is lowered to: kernels in order, with the places in memory that they read and write. */
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Func } from '../assembler/index.ts';
import type { Library } from '../library.ts';
import type { Buffer } from '../memory/buffers.ts';
import type { Layout, Place } from '../memory/place.ts';
import type { PackedWeight } from '../memory/weights.ts';

/** A kernel with the places whose addresses it is called with, in this order. */
export interface KernelStep {
  readonly kind: 'kernel';
  /** The operation, with its shape. */
  readonly name: string;
  /** Multiplications in its sums of products. */
  readonly products: number;
  readonly make: (lib: Library) => Func;
  readonly operands: readonly Place[];
}

/** An operation left to the plain loops. */
export interface HostStep {
  readonly kind: 'host';
  readonly name: string;
  readonly products: number;
  /** Its result, of its inputs. */
  readonly compute: (inputs: readonly Tensor[]) => Tensor;
  readonly inputs: readonly HostTensor[];
  readonly output: HostTensor;
}

/** Bytes that come from elsewhere. */
export interface WriteStep {
  readonly kind: 'write';
  readonly name: string;
  readonly products: number;
  readonly to: Place;
  readonly bytes: number;
  /** Fills what is at `to`. */
  readonly write: (target: Uint8Array) => void;
}

/** A step of a program. It begins when the one before it is done. */
export type Step = KernelStep | HostStep | WriteStep;

/** A dense tensor that the plain loops read or write. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly place: Place;
}

/** An input or an output of the program. */
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
