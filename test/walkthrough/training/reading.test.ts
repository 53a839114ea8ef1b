import { describe, expect, it } from 'vitest';
import { learnedFaces, learnedLetters } from '../../../scripts/walkthrough/letters.ts';
import { tensor } from '../../../src/tensor/tensor.ts';
import { samplesOf, type Pictures } from '../../../src/training/pictures.ts';
import { lettersOf } from '../../../src/walkthrough/training/letters-file.ts';
import { readerOf } from '../../../src/walkthrough/training/reading.ts';
import { figures } from './letters-figures.ts';

describe('reading by the nearest letter', () => {
  it('is told by hand', () => {
    const letters: Pictures = { shape: [3, 1, 1, 2], data: Uint8Array.of(0, 0, 255, 255, 0, 255), labels: [7, 4, 9] };
    const samples = tensor('f32', [4, 1, 1, 2], Float32Array.of(-0.9, -0.2, 0.1, 3, -1.5, 0.2, -0.3, -0.2));
    expect(readerOf(letters)(samples)).toEqual([7, 4, 9, 7]);
  });

  it('goes by what is shown: beyond ink and paper there is nothing', () => {
    const letters: Pictures = { shape: [2, 1, 1, 2], data: Uint8Array.of(255, 0, 204, 255), labels: [0, 1] };
    expect(readerOf(letters)(tensor('f32', [1, 1, 1, 2], Float32Array.of(5, 0.2)))).toEqual([1]);
  });

  it('reads letters of a family right that it does not know, as often as the page says', () => {
    const { labels = [], data, shape } = lettersOf(learnedLetters());
    const families = learnedFaces().map((face) => face.slice(0, 5));
    const familyOf = (number: number): string => families[Math.floor(number / 26)];
    const size = 256;
    let right = 0;
    for (const family of new Set(families)) {
      const others = labels.flatMap((_, number) => (familyOf(number) === family ? [] : [number]));
      const own = labels.flatMap((_, number) => (familyOf(number) === family ? [number] : []));
      const known = Uint8Array.from(others.flatMap((number) => [...data.subarray(number * size, (number + 1) * size)]));
      const read = readerOf({
        shape: [others.length, ...shape.slice(1)],
        data: known,
        labels: others.map((number) => labels[number]),
      });
      const said = read(samplesOf({ shape, data }, own));
      right += said.filter((label, i) => label === labels[own[i]]).length;
    }
    expect(Math.floor((100 * right) / labels.length)).toBe(Number(figures.reader));
  });
});
