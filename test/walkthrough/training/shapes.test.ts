import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { manualSeed } from '../../../src/tensor/random.ts';
import { tensor } from '../../../src/tensor/tensor.ts';
import { fitOf, pointsFrom, pointsOf, shapeOf, shapes, type Shape } from '../../../src/walkthrough/training/shapes.ts';
import { blank, penned } from '../../../src/walkthrough/work/own.ts';

const coordinate = fc.double({ min: -2, max: 2, noNaN: true });
const lines: fc.Arbitrary<Shape> = fc.array(
  fc.array(fc.tuple(coordinate, coordinate), { minLength: 2, maxLength: 4 }).filter((line) => isLong(line)),
  { minLength: 1, maxLength: 3 },
);
function isLong(line: Shape[number]): boolean {
  return line.slice(1).every(([x, y], i) => Math.hypot(x - line[i][0], y - line[i][1]) > 0.1);
}

describe('points of a shape', () => {
  it('lie about its lines, and leave none of them out', () =>
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom<Shape>(...Object.values(shapes)), lines), fc.nat(), (shape, seed) => {
        const fit = fitOf(shape, pointsFrom(shape, 2000, manualSeed(seed)));
        // The mean of |n| of a normal distribution of σ = 0.03 is 0.024; less where lines are near one another.
        expect(fit.off).toBeLessThan(0.028);
        expect(fit.gaps).toBeLessThan(0.15);
      }),
      { numRuns: 30 },
    ));

  it('are spread by length: a line three times as long has three times the points', () => {
    const shape: Shape = [
      [
        [-1.5, 1],
        [1.5, 1],
      ],
      [
        [0, -1],
        [1, -1],
      ],
    ];
    const above = pointsOf(pointsFrom(shape, 4000, manualSeed(0))).filter(([, y]) => y > 0).length;
    expect(Math.abs(above - 3000)).toBeLessThan(110); // four standard deviations
  });

  it('are those of the cells with ink, where the reader has drawn them', () => {
    expect(shapeOf(blank)).toEqual([]);
    const shape = shapeOf(penned(blank, [26, 6]));
    expect(shape.length).toBe(9);
    for (const [x, y] of pointsOf(pointsFrom(shape, 200, manualSeed(0)))) {
      expect(Math.abs(x - 1.05)).toBeLessThan(0.3);
      expect(Math.abs(y - 0.95)).toBeLessThan(0.25);
    }
  });
});

describe('how samples fit a shape', () => {
  it('is told by hand', () => {
    const shape: Shape = [
      [
        [0, 0],
        [1, 0],
      ],
    ];
    const samples = tensor('f32', [2, 1, 1, 2], Float32Array.of(0.5, 0.25, 1, -0.75));
    expect(fitOf(shape, samples)).toEqual({ off: 0.5, gaps: (Math.hypot(0.5, 0.25) + Math.hypot(0.5, 0.25)) / 2 });
    const beyond = tensor('f32', [1, 1, 1, 2], Float32Array.of(4, 4));
    expect(fitOf(shape, beyond).off).toBe(5);
  });
});
