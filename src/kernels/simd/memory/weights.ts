/** Weights in memory, arranged as kernels read them. */
import { identityOf, lengthOf } from '../../../tensor/deferred.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Emitter } from '../emitter.ts';
import { bufferBytes } from './buffers.ts';
import type { Heap } from './heap.ts';
import type { Place } from './place.ts';

/** An arrangement of a weight's numbers. */
export interface Packing {
  /** What tells it from other arrangements of the same weight. */
  readonly name: string;
  /** Floats of the arranged weight. */
  readonly length: number;
  /** Whether its numbers are computed, which takes longer than to move them: these weights stay before others do. */
  readonly isComputed?: boolean;
  /** Adds the steps that arrange, at `to`, the numbers at `from`, which are as the weight's shape says. */
  readonly arrange?: (emitter: Emitter, from: Place, to: Place) => void;
}

/** A weight as it is. */
export function unpacked(tensor: Tensor): Packing {
  return { name: 'plain', length: lengthOf(tensor) };
}

/** A weight that has its place. */
export interface PackedWeight {
  readonly address: number;
  /** That it takes. */
  readonly bytes: number;
  readonly packing: Packing;
  /** To be called once by everyone who asked; after the last, the place is given to others. */
  release(): void;
}

/** A weight whose numbers are not at its place yet. */
export interface MissingWeight {
  readonly tensor: Tensor;
  readonly packing: Packing;
  readonly address: number;
}

/** The weights of all plans. */
export interface WeightStore {
  /**
   * The place of an arranged weight. The same numbers arranged the same way are there once, however many ask. They come
   * later: until then the weight is among those that are missing.
   */
  acquire(tensor: Tensor, packing: Packing): PackedWeight;
  /** Whether somebody has asked for it. */
  has(tensor: Tensor, packing: Packing): boolean;
  /** Bytes of all that were asked for. */
  bytes(): number;
  /** Those that were asked for and are not in memory. They count as there from now on. */
  takeMissing(): readonly MissingWeight[];
}

/** A store without weights, which takes its blocks from a heap. */
export function weightStore(blocks: Heap): WeightStore {
  const known = new WeakMap<object, Map<string, PackedWeight & { users: number }>>();
  const missing = new Map<PackedWeight, MissingWeight>();
  let bytes = 0;
  return {
    acquire(tensor, packing) {
      const key = identityOf(tensor);
      const packings = known.get(key) ?? new Map<string, PackedWeight & { users: number }>();
      known.set(key, packings);
      const found = packings.get(packing.name);
      if (found) {
        found.users++;
        return found;
      }
      const { name, length } = packing;
      const made = {
        address: blocks.reserve(4 * length),
        bytes: bufferBytes(4 * length),
        packing,
        users: 1,
        release() {
          if (--made.users > 0) return;
          packings.delete(name);
          missing.delete(made);
          blocks.free(made.address);
          bytes -= made.bytes;
        },
      };
      bytes += made.bytes;
      packings.set(name, made);
      missing.set(made, { tensor, packing, address: made.address });
      return made;
    },
    has: (tensor, { name }) => known.get(identityOf(tensor))?.has(name) ?? false,
    bytes: () => bytes,
    takeMissing() {
      const taken = [...missing.values()];
      missing.clear();
      return taken;
    },
  };
}
