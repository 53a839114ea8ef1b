/** Blocks of the memory: where they lie, when the memory grows, and what it says when it cannot. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONTROL } from '../../../../src/kernels/simd/memory/control.ts';
import { heap } from '../../../../src/kernels/simd/memory/heap.ts';
import { refusal } from '../support.ts';

const GIB = 2 ** 30;
const newMemory = (): WebAssembly.Memory => new WebAssembly.Memory({ initial: 2, maximum: 65536 });

describe('blocks', () => {
  test('lie apart and beyond the first page, and within the memory once it has grown', () => {
    const requests = fc.array(fc.record({ bytes: fc.nat({ max: 300_000 }), frees: fc.boolean() }), { maxLength: 20 });
    fc.assert(
      fc.property(requests, (all) => {
        const memory = newMemory();
        const blocks = heap(memory);
        const held: { start: number; end: number }[] = [];
        for (const { bytes, frees } of all) {
          if (frees) blocks.free(held.shift()?.start ?? 0);
          const start = blocks.reserve(bytes);
          held.push({ start, end: start + bytes });
        }
        blocks.grow();
        const sorted = held.sort((a, b) => a.start - b.start);
        for (const [i, { start, end }] of sorted.entries()) {
          expect(start).toBeGreaterThanOrEqual(sorted[i - 1]?.end ?? CONTROL.BYTES);
          expect(start % 64).toBe(0);
          expect(end).toBeLessThanOrEqual(memory.buffer.byteLength);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('take the first gap that is large enough', () => {
    const blocks = heap(newMemory());
    const [a, b, c] = [1000, 2000, 3000].map((bytes) => blocks.reserve(bytes));
    blocks.free(a);
    expect(blocks.reserve(2000)).toBeGreaterThan(c);
    expect(blocks.reserve(1000)).toBe(a);
    blocks.free(b);
    expect(blocks.reserve(2000)).toBe(b);
  });
});

describe('growth', () => {
  test('comes only when asked for, and only as far as needed', () => {
    const memory = newMemory();
    const blocks = heap(memory);
    blocks.reserve(10 * 65536);
    expect(memory.buffer.byteLength).toBe(2 * 65536);
    blocks.grow();
    // The first page, ten of data, and one for what tiles may read beyond.
    expect(memory.buffer.byteLength).toBe(12 * 65536);
    blocks.grow();
    expect(memory.buffer.byteLength).toBe(12 * 65536);
  });

  test('beyond 4 GiB is refused, with what is needed, and nothing grows', () => {
    const memory = newMemory();
    const blocks = heap(memory);
    blocks.reserve(2.5 * GIB);
    const second = blocks.reserve(1.75 * GIB);
    expect(refusal(() => blocks.grow())).toBe(
      'this program needs 4.3 GiB, with the weights that the backend keeps, and WebAssembly has memory for 4: ' +
        'run fewer samples at once, or smaller pictures, or use referenceBackend()',
    );
    expect(memory.buffer.byteLength).toBe(2 * 65536);
    blocks.free(second);
    // Up to the last byte is no refusal of ours; whether the engine has so much is another matter.
    const rest = 4 * GIB - second - 64;
    expect(blocks.reserve(rest) + rest + 64).toBe(4 * GIB);
  });

  test('that the engine does not grant is refused alike', () => {
    const memory = newMemory();
    memory.grow = () => {
      throw new RangeError('WebAssembly.Memory.grow(): Maximum memory size exceeded');
    };
    const blocks = heap(memory);
    blocks.reserve(0.5 * GIB);
    expect(refusal(() => blocks.grow())).toMatch(/^this program needs 0.6 GiB, .* the engine does not give so much: /);
  });
});
