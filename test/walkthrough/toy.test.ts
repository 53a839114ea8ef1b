/** The world of two numbers: its predictions are exact, and the spoilt one cannot see from half to half. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alone,
  density,
  difference,
  drawPoints,
  lettersAmong,
  predictNoise,
  spoilt,
  spread,
  spreadOfLetters,
  toyLevel,
  toySteps,
  type Point,
} from '../../src/walkthrough/work/toy.ts';

const coordinate = fc.double({ min: -2, max: 2, noNaN: true });
const places = fc.tuple(coordinate, coordinate);
const levels = fc.integer({ min: 0, max: toySteps - 1 }).map(toyLevel);
const mixtures = fc.constantFrom(alone, spoilt);

describe('the world of two numbers', () => {
  it('predicts −σ times the slope of the logarithm of its density', () =>
    fc.assert(
      fc.property(mixtures, places, levels, (mixture, [x, y], level) => {
        const h = 1e-5 * level.sigma;
        const slope = ([dx, dy]: Point): number =>
          (Math.log(density(mixture, [x + dx, y + dy], level)) - Math.log(density(mixture, [x - dx, y - dy], level))) /
          (2 * h);
        const [ex, ey] = predictNoise(mixture, [x, y], level);
        const size = 1e-5 * (1 + Math.hypot(ex, ey));
        fc.pre(density(mixture, [x, y], level) > 1e-200);
        expect(Math.abs(ex + level.sigma * slope([h, 0]))).toBeLessThan(size);
        expect(Math.abs(ey + level.sigma * slope([0, h]))).toBeLessThan(size);
      }),
    ));

  it('has densities that add up to 1, and halves that are drawn alike by both models', () => {
    const level = toyLevel(14);
    const grid = Array.from({ length: 221 }, (_, i) => (i - 110) * 0.05);
    const column = (mixture: typeof alone, x: number): number =>
      grid.reduce((sum, y) => sum + 0.05 * density(mixture, [x, y], level), 0);
    expect(grid.reduce((sum, x) => sum + 0.05 * column(alone, x), 0)).toBeCloseTo(1, 6);
    for (const x of grid) expect(column(alone, x)).toBeCloseTo(column(spoilt, x), 10);
  });

  it('when spoilt, says of a half what it would say whatever the other is', () =>
    fc.assert(
      fc.property(places, coordinate, levels, ([x, y], other, level) => {
        expect(predictNoise(spoilt, [x, y], level)[0]).toBeCloseTo(predictNoise(spoilt, [x, other], level)[0], 9);
        expect(predictNoise(spoilt, [x, y], level)[1]).toBeCloseTo(predictNoise(spoilt, [other, y], level)[1], 9);
      }),
    ));

  it('has arrows that are mirrored as the letters are', () =>
    fc.assert(
      fc.property(places, levels, ([x, y], level) => {
        const [dx, dy] = difference([x, y], level);
        const [mirroredY, mirroredX] = difference([y, x], level);
        expect(mirroredX).toBeCloseTo(dx, 9);
        expect(mirroredY).toBeCloseTo(dy, 9);
      }),
    ));

  it('has long arrows between letters and scraps, and short ones at letters, once most of the noise is gone', () => {
    for (const index of [16, 20, 22]) {
      const level = toyLevel(index);
      const length = ([x, y]: Point): number => Math.hypot(...difference([level.alpha * x, level.alpha * y], level));
      const between: readonly Point[] = [
        [0.6, 0],
        [1.2, 0.6],
      ];
      const letters: readonly Point[] = [
        [0, 0],
        [1.2, 1.2],
      ];
      expect(Math.min(...between.map(length))).toBeGreaterThan(2 * Math.max(...letters.map(length)));
    }
  });

  it('draws more letters away from the spoilt model, and letters more alike', () => {
    const drawn = [0, 1, 3].map((s) => drawPoints(400, s));
    const letters = drawn.map(lettersAmong);
    // Of the model alone, the letters are the share that it has not forgotten, and a third of the rest by chance.
    expect(letters[0] / 400).toBeGreaterThan(0.6);
    expect(letters[0] / 400).toBeLessThan(0.73);
    expect(letters[1]).toBeGreaterThan(letters[0] + 60);
    expect(letters[2]).toBeGreaterThan(letters[1] + 20);
    const spreads = drawn.map(spreadOfLetters);
    expect(Math.abs(spreads[0] - spread)).toBeLessThan(0.02);
    expect(spreads[1]).toBeLessThan(0.85 * spreads[0]);
  });
});
