/** Blocks of the memory, given out and taken back. */
import { bufferBytes } from './buffers.ts';
import { CONTROL } from './control.ts';

/** Bytes of a page, by which a WebAssembly memory grows. */
const PAGE = 65536;

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
