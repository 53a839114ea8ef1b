/** Activations that share memory: never two at one time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bufferBytes, layOut, type Buffer } from '../../../../src/kernels/simd/memory/buffers.ts';

const buffers = fc.array(
  fc
    .record({ data: fc.nat({ max: 5000 }), first: fc.nat({ max: 12 }), length: fc.nat({ max: 12 }) })
    .map(({ data, first, length }): Buffer => ({ bytes: bufferBytes(data), first, last: first + length, offset: -1 })),
  { maxLength: 30 },
);

test('buffers that live at the same time lie apart, all of them within the arena', () => {
  fc.assert(
    fc.property(buffers, (all) => {
      const bytes = layOut(all);
      for (const [i, a] of all.entries()) {
        expect(a.offset).toBeGreaterThanOrEqual(0);
        expect(a.offset + a.bytes).toBeLessThanOrEqual(bytes);
        for (const b of all.slice(i + 1)) {
          const together = a.first <= b.last && b.first <= a.last;
          if (together) expect(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset).toBe(true);
        }
      }
    }),
  );
});

test('buffers that take turns share their bytes', () => {
  const turn = (step: number, data: number): Buffer => ({
    bytes: bufferBytes(data),
    first: step,
    last: step + 1,
    offset: -1,
  });
  expect(layOut([turn(0, 1000), turn(2, 500), turn(4, 1000)])).toBe(bufferBytes(1000));
  expect(layOut([turn(0, 1000), turn(1, 1000), turn(2, 1000)])).toBe(2 * bufferBytes(1000));
  expect(layOut([])).toBe(0);
});

test('a buffer has room for a cache line beyond its data, which tiles may read', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1e6 }), (data) => {
      expect(bufferBytes(data)).toBeGreaterThanOrEqual(data + 64);
      expect(bufferBytes(data) % 64).toBe(0);
    }),
  );
});
