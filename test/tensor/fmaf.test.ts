import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fmaf } from '../../src/tensor/math/fmaf.ts';

/** A float32 as a whole number of 2⁻¹⁴⁹, the smallest one. */
function exact(value: number): bigint {
  const scaled = value * 2 ** 100;
  return BigInt(scaled * 2 ** 49);
}

/** The float32 nearest to a whole number of 2⁻²⁹⁸, ties to even. */
function nearest(sum: bigint): number {
  const size = sum < 0n ? -sum : sum;
  const bits = size.toString(2).length;
  const dropped = BigInt(Math.max(149, bits - 24));
  const [kept, rest, half] = [size >> dropped, size & ((1n << dropped) - 1n), 1n << (dropped - 1n)];
  const up = rest > half || (rest === half && kept % 2n === 1n);
  const value = Number(kept + (up ? 1n : 0n)) * 2 ** (Number(dropped) - 298);
  return sum < 0n ? -value : value;
}

describe('fmaf', () => {
  const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 40), max: 2 ** 40 });

  it('is a · b + c rounded once, against whole numbers without limit', () => {
    fc.assert(
      fc.property(finite, finite, finite, (a, b, c) => {
        const sum = exact(a) * exact(b) + (exact(c) << 149n);
        expect(fmaf(a, b, c)).toBe(sum === 0n ? a * b + c : nearest(sum));
      }),
      { numRuns: 2000 },
    );
  });

  it('is not misled by a sum that double rounds onto the middle between two float32 numbers', () => {
    const [a, tiny] = [1 + 2 ** -12, 2 ** -60];
    // a² = 1 + 2⁻¹¹ + 2⁻²⁴: exactly half way; what is added decides.
    expect(fmaf(a, a, 0)).toBe(1 + 2 ** -11);
    expect(fmaf(a, a, tiny)).toBe(1 + 2 ** -11 + 2 ** -23);
    expect(fmaf(a, a, -tiny)).toBe(1 + 2 ** -11);
    expect(fmaf(-a, a, -tiny)).toBe(-(1 + 2 ** -11 + 2 ** -23));
    expect(fmaf(-a, a, tiny)).toBe(-(1 + 2 ** -11));
    const odd = 1 + 3 * 2 ** -12; // its product with a: 1 + 2⁻¹⁰ + 3 · 2⁻²⁴, half way to an even number above
    expect(fmaf(a, odd, -tiny)).toBe(1 + 2 ** -10 + 2 ** -23);
    expect(fmaf(a, odd, 0)).toBe(1 + 2 ** -10 + 2 ** -22);
  });

  it('has the infinities and NaN of the formula', () => {
    expect(fmaf(Infinity, 2, 1)).toBe(Infinity);
    expect(fmaf(2 ** 100, 2 ** 100, 0)).toBe(Infinity);
    expect(fmaf(Infinity, 0, 1)).toBeNaN();
    expect(fmaf(2 ** 100, 2 ** 100, -Infinity)).toBe(-Infinity);
  });
});
