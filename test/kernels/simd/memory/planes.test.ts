/** How pictures lie in memory. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  borderedPlanes,
  crowded,
  densePlanes,
  hasBorder,
  planesOf,
} from '../../../../src/kernels/simd/memory/planes.ts';
import { small } from '../support.ts';

const LINE = 64;

test('planes with a border hold it, and a vector more, and are an odd number of cache lines apart', () => {
  const borders = fc.record({
    top: fc.nat({ max: 3 }),
    bottom: fc.nat({ max: 3 }),
    left: fc.nat({ max: 3 }),
    right: fc.nat({ max: 3 }),
  });
  fc.assert(
    fc.property(small(9), small(40), small(40), borders, (channels, height, width, border) => {
      const layout = borderedPlanes(channels, height, width, border);
      expect(layout.rowStride).toBe(4 * (width + border.left + border.right));
      const rows = height + border.top + border.bottom;
      expect(layout.planeStride).toBeGreaterThanOrEqual(rows * layout.rowStride + 16);
      expect((layout.planeStride / LINE) % 2).toBe(1);
      expect(layout.batchStride).toBe(channels * layout.planeStride);
      expect(hasBorder(layout)).toBe(Object.values(border).some((pixels) => pixels > 0));
    }),
  );
});

test('dense planes lie as a tensor does', () => {
  expect(densePlanes(5, 7, 999)).toMatchObject({ rowStride: 28, planeStride: 140, batchStride: 999, top: 0, right: 0 });
});

test('planes are crowded when more of them than a cache set holds begin at the same set', () => {
  // 16 × 16 pixels are 16 lines, so 4 planes of 64 sets begin apart, and 4 lines fit in each.
  expect([16, 17].map((channels) => crowded(channels, 256))).toEqual([false, true]);
  // All planes of 32 × 32 pixels begin at the same set.
  expect([4, 5].map((channels) => crowded(channels, 1024))).toEqual([false, true]);
  // An odd number of lines never comes back to the same set, nor does a part of a line.
  expect([crowded(64, 15 * 16), crowded(64, 255)]).toEqual([false, false]);
});

test('tokens are planes of one row, whose channels come last', () => {
  expect(planesOf([2, 30, 8])).toEqual({ batch: 2, channels: 8, height: 1, width: 30 });
  expect(planesOf([2, 8, 5, 6])).toEqual({ batch: 2, channels: 8, height: 5, width: 6 });
});
