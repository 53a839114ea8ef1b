/** Work that is cut into parts. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { divisorUpTo, pieceSize, stripSize } from '../../../src/kernels/simd/division.ts';

const count = fc.integer({ min: 1, max: 200 });

test('pieces are as many as are wanted, where there are so many, and none is larger than it may be', () => {
  fc.assert(
    fc.property(count, count, count, (total, most, atLeast) => {
      const size = pieceSize(total, most, atLeast);
      const pieces = Math.ceil(total / size);
      expect(size).toBeLessThanOrEqual(most);
      expect(size).toBeLessThanOrEqual(Math.ceil(total / atLeast));
      // No smaller size would do with as few pieces: the last one is as large as it can be.
      expect(Math.ceil(total / Math.max(1, size - 1)) > pieces || size === 1).toBe(true);
    }),
  );
  expect(pieceSize(16, 5, 1)).toBe(4);
  expect(pieceSize(6, 6, 2)).toBe(3);
});

test('a divisor is the largest one up to a limit', () => {
  fc.assert(
    fc.property(count, count, (n, limit) => {
      const divisor = divisorUpTo(n, limit);
      expect(n % divisor).toBe(0);
      expect(divisor).toBeLessThanOrEqual(limit);
      for (let larger = divisor + 1; larger <= Math.min(n, limit); larger++) expect(n % larger).not.toBe(0);
    }),
  );
});

test('a strip is a part of a picture, or whole ones, and no larger than it may be unless it is a row', () => {
  fc.assert(
    fc.property(count, count, count, count, (batch, rows, perRow, most) => {
      const { height, pictures } = stripSize(batch, rows, perRow, most);
      expect([rows % height, batch % pictures]).toEqual([0, 0]);
      expect(pictures === 1 || height === rows).toBe(true);
      expect(pictures * height * perRow).toBeLessThanOrEqual(Math.max(most, perRow));
    }),
  );
  expect(stripSize(6, 4, 2, 16)).toEqual({ height: 4, pictures: 2 });
  expect(stripSize(6, 4, 2, 5)).toEqual({ height: 2, pictures: 1 });
});
