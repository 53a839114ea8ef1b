import { describe, expect, it } from 'vitest';
import { tensor } from '../../src/tensor/tensor.ts';
import { sheetOf } from '../../src/walkthrough/drawing/letters-sheet.ts';

/** So many letters of 1 × 2 pixels: 1, 1.5 the first, 2, 2.5 the second … */
const letters = (count: number) =>
  tensor(
    'f32',
    [count, 1, 1, 2],
    Float32Array.from({ length: 2 * count }, (_, i) => 1 + i / 2),
  );

describe('a sheet of letters', () => {
  it('has seven in a row, a pixel of paper around each', () => {
    const { width, height, values } = sheetOf(letters(8));
    expect([width, height]).toEqual([7 * 3 + 1, 2 * 2 + 1]);
    const rows = Array.from({ length: height }, (_, y) => Array.from(values).slice(y * width, (y + 1) * width));
    const paper = new Array<number>(width).fill(-1);
    expect(rows[0]).toEqual(paper);
    expect(rows[1].slice(0, 8)).toEqual([-1, 1, 1.5, -1, 2, 2.5, -1, 3]);
    expect(rows[3]).toEqual([-1, 8, 8.5, ...paper.slice(3)]);
    expect(rows[4]).toEqual(paper);
  });

  it('begins a row behind Z', () => {
    const { width, height, values } = sheetOf(letters(27));
    expect(height).toBe(5 * 2 + 1);
    expect(Array.from(values).slice(7 * width + 4 * 3, 7 * width + 4 * 3 + 4)).toEqual([-1, 26, 26.5, -1]);
    expect(Array.from(values).slice(9 * width, 9 * width + 4)).toEqual([-1, 27, 27.5, -1]);
  });
});
