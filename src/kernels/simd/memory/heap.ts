/** Blocks of the memory, given out and taken back. */
import { InputError } from '../../../tensor/errors.ts';
import { bufferBytes } from './buffers.ts';
import { CONTROL } from './control.ts';

/** Bytes of a page, by which a WebAssembly memory grows. */
export const PAGE = 65536;
/** Pages that 32-bit addresses reach: 4 GiB. */
export const MOST_PAGES = 65536;

/** Blocks of a memory. They are addresses at first: only `grow` makes the memory so large that they are in it. */
export interface Heap {
  /** The address of a new block of so many bytes. */
  reserve(bytes: number): number;
  /** Gives a block back; an address of none is passed over. */
  free(address: number): void;
  /**
   * Makes room for all blocks. Views of the memory must be made anew after it.
   * @throws InputError when they do not fit, or the engine gives no more memory; the memory is then as it was
   */
  grow(): void;
}

/** What has been given out, in bytes of the memory. */
interface Block {
  readonly start: number;
  readonly end: number;
}

/** The blocks of a memory of which none is given out; its first page never is. */
export function heap(memory: WebAssembly.Memory): Heap {
  // From the lowest address to the highest.
  const used: Block[] = [];
  return {
    reserve(bytes) {
      const size = bufferBytes(bytes);
      let start: number = CONTROL.BYTES;
      const place = used.findIndex((block) => {
        if (start + size <= block.start) return true;
        start = block.end;
        return false;
      });
      used.splice(place < 0 ? used.length : place, 0, { start, end: start + size });
      return start;
    },
    free(address) {
      const place = used.findIndex(({ start }) => start === address);
      if (place >= 0) used.splice(place, 1);
    },
    grow() {
      const end = used.at(-1)?.end ?? 0;
      const pages = Math.ceil((end - memory.buffer.byteLength) / PAGE);
      if (end > MOST_PAGES * PAGE) throw tooLittle(end, 'WebAssembly has memory for 4');
      if (pages <= 0) return;
      try {
        memory.grow(pages);
      } catch (problem) {
        if (!(problem instanceof RangeError)) throw problem;
        throw tooLittle(end, 'the engine does not give so much');
      }
    },
  };
}

function tooLittle(bytes: number, limit: string): InputError {
  const gibibytes = Math.ceil((10 * bytes) / 2 ** 30) / 10;
  return new InputError(
    `this program needs ${gibibytes} GiB, with the weights that the backend keeps, and ${limit}: ` +
      'run fewer samples at once, or smaller pictures, or use referenceBackend()',
  );
}
