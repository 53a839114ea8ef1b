import { describe, expect, it } from 'vitest';
import { hexadecimal, joinBytes } from '../../src/tensor/bytes.ts';

describe('bytes', () => {
  it('are joined in order, empty parts and all', () => {
    expect(joinBytes([Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)])).toEqual(Uint8Array.of(1, 2, 3));
    expect(joinBytes([])).toEqual(new Uint8Array(0));
  });

  it('are two small hexadecimal digits each', () => {
    expect(hexadecimal(Uint8Array.of(0, 10, 255))).toBe('000aff');
  });
});
