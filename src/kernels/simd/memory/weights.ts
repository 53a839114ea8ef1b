/** Weights in memory, arranged as kernels read them. */
import type { FloatArray, Tensor } from '../../../tensor/tensor.ts';
import type { Heap } from './heap.ts';

/** An arrangement of a weight's numbers. */
export interface Packing {
  /** What tells it from other arrangements of the same weight. */
  readonly name: string;
  /** Floats of the arranged weight. */
  readonly length: number;
  /** The arranged weight. */
  readonly pack: () => ArrayLike<number>;
}

/** A weight as it is. */
export function unpacked({ data }: Tensor): Packing {
  return { name: 'plain', length: data.length, pack: () => data };
}

/** A weight that has its place. */
export interface PackedWeight {
  readonly address: number;
  /** To be called once by everyone who asked; after the last, the place is given to others. */
  release(): void;
}

/** The weights of all plans. */
export interface WeightStore {
  /**
   * The place of an arranged weight. The same array arranged the same way is there once, however many ask. The numbers
   * come with the next `fill`.
   */
  acquire(data: FloatArray, packing: Packing): PackedWeight;
  /** Writes the weights that are not in memory yet, which must have grown for them. */
  fill(): void;
}

/** A store without weights, which takes its blocks from a heap. */
export function weightStore(blocks: Heap): WeightStore {
  const known = new WeakMap<FloatArray, Map<string, PackedWeight & { users: number }>>();
  const missing = new Map<PackedWeight, Packing>();
  return {
    acquire(data, packing) {
      const packings = known.get(data) ?? new Map<string, PackedWeight & { users: number }>();
      known.set(data, packings);
      const found = packings.get(packing.name);
      if (found) {
        found.users++;
        return found;
      }
      const { name, length } = packing;
      const made = {
        address: blocks.reserve(4 * length),
        users: 1,
        release() {
          if (--made.users > 0) return;
          packings.delete(name);
          missing.delete(made);
          blocks.free(made.address);
        },
      };
      packings.set(name, made);
      missing.set(made, packing);
      return made;
    },
    fill() {
      for (const [{ address }, { length, pack }] of missing)
        new Float32Array(blocks.memory.buffer, address, length).set(pack());
      missing.clear();
    },
  };
}
