import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { side } from '../../src/walkthrough/study.ts';
import { blank, isInk, penned, pictureOf, pixelsOf, scrawl } from '../../src/walkthrough/work/own.ts';

const place = fc.tuple(fc.integer({ min: 0, max: side - 1 }), fc.integer({ min: 0, max: side - 1 }));

describe('a letter of one’s own', () => {
  it('has ink where the pen was, and none where the rubber was', () => {
    fc.assert(
      fc.property(fc.array(place, { maxLength: 5 }), place, (strokes, [x, y]) => {
        const ink = strokes.reduce((drawn, at) => penned(drawn, at), blank);
        expect(isInk(ink)).toBe(true);
        for (const [column, row] of strokes) expect(pixelsOf(ink)[row * side + column]).toBe(true);
        expect(pixelsOf(penned(ink, [x, y], false))[y * side + x]).toBe(false);
        // The pen's tip is round: itself, its four neighbours, and the four at its corners.
        expect(pixelsOf(penned(blank, [5, 5])).filter(Boolean)).toHaveLength(9);
      }),
      { numRuns: 30 },
    );
  });

  it('begins as a hasty R', () => {
    const pixels = pixelsOf(scrawl);
    const rows = Array.from({ length: side }, (_, y) =>
      pixels
        .slice(y * side, (y + 1) * side)
        .map((ink) => (ink ? '#' : ' '))
        .join('')
        .trimEnd(),
    );
    expect(rows.slice(6, 27)).toEqual([
      '         ###########',
      '         ###########',
      '         ############',
      '         ###     #####',
      '         ###      ####',
      '         ###      ####',
      '         ###     #####',
      '         ###     ####',
      '         ###  #######',
      '         ###########',
      '         ##########',
      '         #########',
      '          ### #####',
      '          ###  #####',
      '          ###   #####',
      '          ###    #####',
      '          ###     #####',
      '          ###      #####',
      '          ###       ####',
      '          ###        ###',
      '          ###',
    ]);
    expect(rows.filter((row) => row !== '')).toHaveLength(21);
  });

  it('is a picture from −1 to 1 with soft edges', () => {
    expect(new Set(pictureOf(blank).data)).toEqual(new Set([-1]));
    expect(isInk(scrawl)).toBe(true);
    const { shape, data } = pictureOf(scrawl);
    expect(shape).toEqual([1, 1, side, side]);
    expect([Math.min(...data), Math.max(...data)]).toEqual([-1, 1]);
    expect(new Set(data).size).toBeGreaterThan(4);
  });

  it('is refused where it is none', () => {
    for (const text of ['', '0', blank.replace('0', 'g'), `${blank}0`]) expect(isInk(text)).toBe(false);
  });
});
