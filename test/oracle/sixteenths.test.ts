import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromSixteenths, sixteenthsOf } from '../../src/oracle/sixteenths.ts';

describe('sixteenths of an octave', () => {
  it('are found again, from the smallest number to the largest', () => {
    fc.assert(
      // Below 2^−1050 double precision no longer has sixteen numbers an octave.
      fc.property(fc.integer({ min: 16 * -1050, max: 16 * 1023 + 15 }), (k) => {
        expect(sixteenthsOf(fromSixteenths(k))).toBe(k);
      }),
    );
  });

  it('round up, by less than a sixteenth', () => {
    fc.assert(
      fc.property(fc.double({ min: Number.MIN_VALUE, max: 1e300, noNaN: true }), (size) => {
        const k = sixteenthsOf(size);
        expect(fromSixteenths(k)).toBeGreaterThanOrEqual(size);
        expect(fromSixteenths(k - 1)).toBeLessThan(size);
      }),
    );
  });

  it('are octaves by sixteens', () => {
    expect([-16, 0, 16, 32].map(fromSixteenths)).toEqual([0.5, 1, 2, 4]);
    expect(fromSixteenths(8)).toBe(Math.SQRT2);
    expect(fromSixteenths(2 ** 15 - 1)).toBe(Infinity);
  });
});
