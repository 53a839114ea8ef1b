import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeTar } from '../../src/formats/tar.ts';

/** What an archive holds, by the fields that POSIX gives a header. */
function readTar(archive: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const text = (at: number, length: number): string =>
    new TextDecoder().decode(archive.subarray(at, at + length)).replace(/\0.*$/s, '');
  let at = 0;
  for (; archive[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    const sum = archive.subarray(at, at + 512).reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
    expect(Number.parseInt(text(at + 148, 8), 8), 'the sum of the header').toBe(sum);
    expect(text(at + 257, 6)).toBe('ustar');
    files.set(text(at, 100), archive.slice(at + 512, at + 512 + size));
    at += 512 * (1 + Math.ceil(size / 512));
  }
  expect(archive.length - at, 'two empty blocks').toBe(1024);
  return files;
}

describe('an archive', () => {
  it('holds the files that were put into it', () => {
    const paths = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom('a', 'b', '/', '.', 'é') });
    const files = fc.uniqueArray(fc.tuple(paths, fc.uint8Array({ maxLength: 1100 })), { selector: ([path]) => path });
    fc.assert(
      fc.property(files, (given) => {
        expect(readTar(writeTar(new Map(given)))).toEqual(new Map(given));
      }),
      { numRuns: 40 },
    );
  });

  it('refuses a path that has no place in it', () => {
    expect(() => writeTar(new Map([['é'.repeat(51), new Uint8Array()]]))).toThrow(
      'is too long for an archive: 100 bytes',
    );
  });
});
