/** The filter of score_sde's blocks: [1, 3, 3, 1]/8 along both sides, against its definition. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceKernels as kernels } from '../../src/kernels/plain/index.ts';
import { firDown, firUp } from '../../src/nn/fir.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

const taps = [1, 3, 3, 1];
const halves = fc.integer({ min: 1, max: 4 });
const pictures = fc
  .tuple(halves, halves, fc.nat(1000))
  .map(([h, w, seed]) => manualSeed(seed).randn([2, 3, 2 * h, 2 * w], 'f64'));

/** The pixel, 0 beyond the border. */
function pixel(x: Tensor, plane: number, row: number, column: number): number {
  const [, , height, width] = x.shape;
  const isInside = row >= 0 && row < height && column >= 0 && column < width;
  return isInside ? x.data[(plane * height + row) * width + column] : 0;
}

/** Every pixel of the result by its definition. */
function expectEach(y: Tensor, value: (plane: number, row: number, column: number) => number): void {
  const [batch, channels, height, width] = y.shape;
  for (let plane = 0; plane < batch * channels; plane++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++)
        expect(Math.abs(pixel(y, plane, row, column) - value(plane, row, column))).toBeLessThan(1e-14);
}

describe('the filter', () => {
  it('halves: every second pixel of the picture that is filtered', () => {
    fc.assert(
      fc.property(pictures, (x) => {
        const y = firDown(kernels, x);
        expect(y.shape).toEqual([2, 3, x.shape[2] / 2, x.shape[3] / 2]);
        expectEach(y, (plane, row, column) =>
          taps.reduce(
            (sum, a, i) =>
              taps.reduce(
                (part, b, j) => part + (a * b * pixel(x, plane, 2 * row - 1 + i, 2 * column - 1 + j)) / 64,
                sum,
              ),
            0,
          ),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('doubles: the picture with zeros between its pixels, filtered, four times as bright', () => {
    fc.assert(
      fc.property(pictures, (x) => {
        const y = firUp(kernels, x);
        expect(y.shape).toEqual([2, 3, 2 * x.shape[2], 2 * x.shape[3]]);
        const between = (plane: number, row: number, column: number): number =>
          row % 2 === 0 && column % 2 === 0 ? pixel(x, plane, row / 2, column / 2) : 0;
        expectEach(y, (plane, row, column) =>
          taps.reduce(
            (sum, a, i) =>
              taps.reduce((part, b, j) => part + (a * b * between(plane, row - 2 + i, column - 2 + j)) / 16, sum),
            0,
          ),
        );
      }),
      { numRuns: 20 },
    );
  });
});
