/** Weights in memory, arranged as kernels read them. */
import type { Heap } from './heap.ts';

export interface WeightStore {
  /**
   * The address of what `pack` makes of `data`. The same array packed the same way is there once, however many ask;
   * everyone who asked must release it.
   */
  acquire(data: object, packing: string, pack: () => ArrayLike<number>): PackedWeight;
  release(weight: PackedWeight): void;
}

export interface PackedWeight {
  readonly address: number;
  users: number;
  readonly forget: () => void;
}

export function weightStore(blocks: Heap): WeightStore {
  const known = new WeakMap<object, Map<string, PackedWeight>>();
  return {
    acquire(data, packing, pack) {
      const packings = known.get(data) ?? new Map<string, PackedWeight>();
      known.set(data, packings);
      const found = packings.get(packing);
      if (found) {
        found.users++;
        return found;
      }
      const packed = pack();
      const address = blocks.allocate(4 * packed.length);
      new Float32Array(blocks.memory.buffer, address, packed.length).set(packed);
      const made: PackedWeight = { address, users: 1, forget: () => packings.delete(packing) };
      packings.set(packing, made);
      return made;
    },
    release(weight) {
      if (--weight.users > 0) return;
      weight.forget();
      blocks.free(weight.address);
    },
  };
}
