/** The block of the memory that all plans use in turn for their activations. */
import type { Heap } from './heap.ts';

/** An arena, which moves when it must be larger. */
export interface Arena {
  /** Where it begins. */
  address(): number;
  /**
   * Makes it as large at least, and the memory so large that all blocks are in it. Nothing in the arena is kept.
   * @throws InputError when that is more than there is
   */
  makeRoom(bytes: number): void;
  /** Gives its block back. */
  clear(): void;
}

/** An arena without room. */
export function arena(blocks: Heap): Arena {
  let block = { address: 0, bytes: 0 };
  const clear = (): void => {
    blocks.free(block.address);
    block = { address: 0, bytes: 0 };
  };
  return {
    address: () => block.address,
    makeRoom(bytes) {
      if (block.bytes < bytes) {
        clear();
        block = { address: blocks.reserve(bytes), bytes };
      }
      try {
        blocks.grow();
      } catch (problem) {
        clear();
        throw problem;
      }
    },
    clear,
  };
}
