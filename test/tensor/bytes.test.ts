import { describe, expect, it } from 'vitest';
import { hexadecimal, joinBytes, sha256 } from '../../src/tensor/bytes.ts';

describe('bytes', () => {
  it('are joined in order, empty parts and all', () => {
    expect(joinBytes([Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)])).toEqual(Uint8Array.of(1, 2, 3));
    expect(joinBytes([])).toEqual(new Uint8Array(0));
  });

  it('are two small hexadecimal digits each', () => {
    expect(hexadecimal(Uint8Array.of(0, 10, 255))).toBe('000aff');
  });

  it('have a fingerprint, in memory that threads share, too', async () => {
    const [own, shared] = [Uint8Array.of(97, 98, 99), new Uint8Array(new SharedArrayBuffer(3))];
    shared.set(own);
    // "abc", the first example of FIPS 180.
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(await Promise.all([own, shared].map(sha256))).toEqual([expected, expected]);
  });
});
