import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/tensor/errors.ts';
import { cast, roundInPlace, roundTo } from '../../src/tensor/rounding.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import type { DType } from '../../src/tensor/tensor.ts';

/** Exponent and significand bits of the 16-bit formats, from their definitions. */
const FORMATS = [
  { dtype: 'f16', exponentBits: 5, fractionBits: 10 },
  { dtype: 'bf16', exponentBits: 8, fractionBits: 7 },
] as const;

/**
 * The finite values ≥ 0 of a format in ascending order, and after them the power of two at which ∞ would stand if it
 * were a number.
 */
function valuesOf({ exponentBits, fractionBits }: (typeof FORMATS)[number]): number[] {
  const bias = 2 ** (exponentBits - 1) - 1;
  const values = [];
  for (let code = 0; code <= (2 ** exponentBits - 1) * 2 ** fractionBits; code++) {
    const exponent = code >> fractionBits;
    const fraction = (code % 2 ** fractionBits) / 2 ** fractionBits;
    values.push(exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias));
  }
  return values;
}

/** The next float32 above or below a positive one. */
function neighbour(x: number, direction: 1 | -1): number {
  single[0] = x;
  bitsOfSingle[0] += direction;
  return single[0];
}

const single = new Float32Array(1);
const bitsOfSingle = new Uint32Array(single.buffer);

describe.each(FORMATS)('rounding to $dtype', (format) => {
  const { dtype } = format;
  const values = valuesOf(format);

  it('keeps every value of the format and decides every pair of neighbours: below, at and above the middle', () => {
    const last = values.length - 1;
    const inputs = [];
    const expected = [];
    for (let i = 0; i < last; i++) {
      const [low, high] = [values[i], i + 1 === last ? Infinity : values[i + 1]];
      const middle = (values[i] + values[i + 1]) / 2;
      inputs.push(low, neighbour(middle, -1), middle, neighbour(middle, 1));
      expected.push(low, low, i % 2 === 0 ? low : high, high);
    }
    const data = Float32Array.from([...inputs, ...inputs.map((x) => -x)]);
    roundInPlace(dtype, data);
    const wanted = Float32Array.from([...expected, ...expected.map((x) => -x)]);
    expect(data.length).toBe(wanted.length);
    const wrong = data.findIndex((found, i) => !Object.is(found, wanted[i]));
    expect([wrong, data[wrong], wanted[wrong]]).toEqual([-1, undefined, undefined]);
  });

  it('keeps NaN, infinities and the sign of zero', () => {
    for (const special of [NaN, Infinity, -Infinity, 0, -0]) expect(roundTo(dtype, special)).toBe(special);
    expect(roundTo(dtype, -1e-45)).toBe(-0);
    expect(roundTo(dtype, 1e300)).toBe(Infinity);
    // NaNs whose payload lies only in the dropped bits, and one of all ones, which a carry would turn into −0.
    const bits = Uint32Array.of(0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff);
    const data = new Float32Array(bits.buffer);
    roundInPlace(dtype, data);
    for (const value of data) expect(value).toBeNaN();
  });

  it('rounds views of a larger array without touching the rest', () => {
    const data = Float32Array.of(Math.PI, Math.PI, Math.PI);
    roundInPlace(dtype, data.subarray(1, 2));
    expect([data[0], data[2]]).toEqual([Math.fround(Math.PI), Math.fround(Math.PI)]);
    expect(data[1]).toBe(roundTo(dtype, Math.PI));
  });

  it('gives what it got when it rounds again, and keeps order', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), fc.float({ noNaN: true }), (a, b) => {
        const [roundedA, roundedB] = [roundTo(dtype, a), roundTo(dtype, b)];
        expect(roundTo(dtype, roundedA)).toBe(roundedA);
        if (a <= b) expect(roundedA).toBeLessThanOrEqual(roundedB);
      }),
    );
  });

  it('refuses a Float64Array', () => {
    expect(() => roundInPlace(dtype, new Float64Array(1))).toThrow(
      new InputError(`${dtype} values are held in a Float32Array, not in a Float64Array`),
    );
  });
});

describe('cast', () => {
  it('rounds each element as roundTo does, and is the identity for the same dtype', () => {
    const numbers = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 20 });
    const dtypes = fc.constantFrom<DType>('f64', 'f32', 'f16', 'bf16');
    fc.assert(
      fc.property(numbers, dtypes, (elements, dtype) => {
        const x = tensor('f64', [elements.length], Float64Array.from(elements));
        const y = cast(x, dtype);
        expect([y.dtype, y.shape, y.data instanceof Float64Array]).toEqual([dtype, x.shape, dtype === 'f64']);
        expect(Array.from(y.data)).toEqual(elements.map((element) => roundTo(dtype, element)));
        expect(cast(y, dtype)).toBe(y);
      }),
    );
  });

  it('refuses a precision that is none', () => {
    expect(() => cast(tensor('f32', [1], Float32Array.of(1)), 'f31' as 'f32')).toThrow(
      new InputError('there is no dtype "f31"; there are f64, f32, f16, bf16'),
    );
  });

  it('rounds to f32 on the way from f64 to a 16-bit format, as PyTorch does', () => {
    const justAboveMiddle = 1 + 2 ** -11 + 2 ** -40; // f32 drops the 2⁻⁴⁰, which leaves a tie
    expect(roundTo('f16', justAboveMiddle)).toBe(1);
  });
});
