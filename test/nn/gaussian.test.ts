import { expect, it } from 'vitest';
import fc from 'fast-check';
import { gaussianBlurMatrix, reflect } from '../../src/nn/gaussian.ts';

it('reflect walks to and fro between the first and the last pixel', () => {
  const walk = (size: number): readonly number[] => Array.from({ length: 13 }, (_, i) => reflect(i - 6, size));
  expect(walk(4)).toEqual([0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
  expect(walk(2)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
  expect(walk(1)).toEqual(Array.from({ length: 13 }, () => 0));
});

it('a blur is an average: its rows sum to 1, and it is the same seen from either end', () => {
  const lines = fc.record({
    size: fc.integer({ min: 1, max: 12 }),
    sigma: fc.double({ min: 0.05, max: 50, noNaN: true }),
    half: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(lines, ({ size, sigma, half }) => {
      const matrix = gaussianBlurMatrix(size, sigma, 2 * half + 1);
      for (let row = 0; row < size; row++) {
        const entries = Array.from(matrix.subarray(row * size, (row + 1) * size));
        expect(entries.every((entry) => entry >= 0)).toBe(true);
        expect(Math.abs(entries.reduce((sum, entry) => sum + entry) - 1)).toBeLessThan(1e-14);
        const mirrored = Array.from(matrix.subarray((size - 1 - row) * size, (size - row) * size)).reverse();
        for (const [i, entry] of entries.entries()) expect(Math.abs(entry - mirrored[i])).toBeLessThan(1e-15);
      }
    }),
  );
});

it('a blur without width, or of a window of one pixel, leaves a line as it is', () => {
  const unit = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  expect([...gaussianBlurMatrix(3, 0, 9)]).toEqual(unit);
  expect([...gaussianBlurMatrix(3, 2, 1)]).toEqual(unit);
});

it('a window wider than there is anything to reflect is cut, whatever σ is', () => {
  for (const size of [1, 2, 3, 5]) {
    const widest = gaussianBlurMatrix(size, 4, 2 * size - 1);
    expect([...gaussianBlurMatrix(size, 4, 2 * size + 1)]).toEqual([...widest]);
    expect([...gaussianBlurMatrix(size, 4, 101)]).toEqual([...widest]);
  }
});
