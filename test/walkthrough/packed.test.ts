import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack } from '../../scripts/walkthrough/pack.ts';
import { unpack } from '../../src/walkthrough/packed.ts';
import { repeated } from '../thorough.ts';

describe('what is packed', () => {
  it('comes back as it was, of an odd number of bytes too', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 99 }), async (bytes) => {
        expect(await unpack(pack(bytes))).toEqual(bytes);
      }),
      { numRuns: repeated(100) },
    ));

  it('is smaller than what gzip alone makes of it, where every second byte repeats', () => {
    const numbers = Uint8Array.from({ length: 20_000 }, (_, i) => (i % 2 === 0 ? (i * i * 2654435761) >>> 13 : 60));
    expect(pack(numbers).length).toBeLessThan(11_000);
  });

  it('is refused when it is no gzip', async () => {
    await expect(unpack(Uint8Array.of(1, 2, 3))).rejects.toThrow(Error);
  });
});
