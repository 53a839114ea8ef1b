/**
 * Where things lie in the one WebAssembly memory. Its first page holds the words with which threads agree; then come
 * blocks given out by `heap`: packed weights, which stay, and one arena, which all plans use in turn for their
 * activations.
 */

/** The start of the memory, which is never given out: addresses in bytes. */
export const CONTROL = {
  // What one thread writes while others watch another word has a cache line of its own.
  /** Threads that sleep until a step is done, and must be woken. */
  SLEEPING: 0,
  /** Not zero: a thread has failed, and all stop. */
  FAILED: 64,
  /** Workers that take part in a run, or look whether there is one. */
  ACTIVE: 128,
  /** Counts the runs to which the workers are called. */
  CALL: 192,
  /** Not zero while a run goes on that workers may join; the next two words name it. */
  OPEN: 256,
  /** The number of the module to run. */
  MODULE: 260,
  ARENA: 264,
  /** Numbers that kernels read: those of exp, and the table of erf. */
  CONSTANTS: 512,
  ERF: 1024,
  /** Two counters of work for each step; zero before a run. */
  COUNTERS: 4608,
  /** Where what is given out begins. */
  BYTES: 65536,
} as const;
const PAGE = 65536;
const ALIGNMENT = 64;
/** Tiles read whole vectors, so up to this much beyond the end of what they use. */
export const SLACK = 64;

export const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

// Activations of one plan -------------------------------------------------------------------------------------------

/** Memory for an activation between the steps `first` and `last`, both included. */
export interface Buffer {
  readonly bytes: number;
  first: number;
  last: number;
  /** Bytes from the start of the arena; known after `layOut`. */
  offset: number;
}

/** Gives every buffer an offset such that two that live at the same time never meet. Returns the bytes of the arena. */
export function layOut(buffers: readonly Buffer[]): number {
  // The largest first, each at the lowest place that is free for all its life: simple, and close to the lower bound.
  const placed: Buffer[] = [];
  let end = 0;
  for (const buffer of [...buffers].sort((a, b) => b.bytes - a.bytes)) {
    const neighbours = placed
      .filter((other) => other.first <= buffer.last && buffer.first <= other.last)
      .sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const other of neighbours) {
      if (offset + buffer.bytes <= other.offset) break;
      offset = Math.max(offset, other.offset + other.bytes);
    }
    buffer.offset = offset;
    placed.push(buffer);
    end = Math.max(end, offset + buffer.bytes);
  }
  return end;
}

/** The size of a buffer for so many bytes of data. */
export function bufferBytes(data: number): number {
  return roundUp(data + SLACK, ALIGNMENT);
}

// Blocks of the memory ------------------------------------------------------------------------------------------------

export interface Heap {
  readonly memory: WebAssembly.Memory;
  /** The address of so many bytes, growing the memory where needed. Views of the memory must be made anew after it. */
  allocate(bytes: number): number;
  free(address: number): void;
}

export function heap(memory: WebAssembly.Memory): Heap {
  const used = new Map<number, number>();
  return {
    memory,
    allocate(bytes) {
      const size = bufferBytes(bytes);
      let address = CONTROL.BYTES;
      for (const [start, length] of [...used].sort(([a], [b]) => a - b)) {
        if (address + size <= start) break;
        address = start + length;
      }
      const missing = address + size - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
      used.set(address, size);
      return address;
    },
    free(address) {
      used.delete(address);
    },
  };
}

// Weights -------------------------------------------------------------------------------------------------------------

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
      const made: PackedWeight = {
        address,
        users: 1,
        forget: () => packings.delete(packing),
      };
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
