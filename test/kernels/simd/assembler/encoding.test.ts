/** Numbers in LEB128, against a decoder. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signed, unsigned } from '../../../../src/kernels/simd/assembler/index.ts';

/** The bytes that the characters of a string stand for. */
const bytesOf = (code: string): readonly number[] => [...code].map((character) => character.charCodeAt(0));

function decode(code: string, isSigned: boolean): number {
  const bytes = bytesOf(code);
  let value = 0n;
  bytes.forEach((byte, i) => {
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
  });
  if (isSigned && bytes[bytes.length - 1] & 0x40) value -= 1n << BigInt(7 * bytes.length);
  return Number(value);
}

describe('LEB128', () => {
  test('encodes every unsigned number that decodes to itself, in the fewest bytes', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 32 - 1 }), (value) => {
        const bytes = unsigned(value);
        expect(decode(bytes, false)).toBe(value);
        expect(bytes).toHaveLength(Math.max(1, Math.ceil((value === 0 ? 1 : Math.floor(Math.log2(value)) + 1) / 7)));
      }),
    );
  });

  test('encodes signed numbers', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(decode(signed(value), true)).toBe(value);
      }),
    );
    expect(bytesOf(signed(-1))).toEqual([0x7f]);
    expect(bytesOf(signed(64))).toEqual([0xc0, 0x00]);
  });

  test('takes signed numbers modulo 2³², as addresses beyond 2 GiB need it', () => {
    expect(signed(2 ** 32 - 1)).toEqual(signed(-1));
    expect(decode(signed(3 * 2 ** 30), true)).toBe(-(2 ** 30));
  });

  test.each([-1, 0.5, Number.NaN])('refuses %s as an unsigned number', (value) => {
    expect(() => unsigned(value)).toThrow(`${value} cannot be encoded as an unsigned integer`);
  });
});
