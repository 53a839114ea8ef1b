/** Reading PNG: what was written, what others write, and files that are damaged or of another kind. */
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodePng } from '../../src/formats/png-reader.ts';
import type { Picture } from '../../src/formats/picture.ts';
import { encodePng } from '../../src/formats/png.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { repeated } from '../thorough.ts';

const pictures: fc.Arbitrary<Picture> = fc
  .record({
    width: fc.integer({ min: 1, max: 9 }),
    height: fc.integer({ min: 1, max: 9 }),
    channels: fc.constantFrom(1 as const, 3 as const),
  })
  .chain((size) =>
    fc
      .uint8Array({
        minLength: size.width * size.height * size.channels,
        maxLength: size.width * size.height * size.channels,
      })
      .map((pixels) => ({ ...size, pixels })),
  );

it('reads what was written', () =>
  fc.assert(
    fc.property(pictures, (picture) => {
      expect(decodePng(encodePng(picture), 'mine')).toEqual(picture);
    }),
  ));

const { width, height, channels, pixels } = {
  width: 5,
  height: 6,
  channels: 3,
  pixels: Uint8Array.from({ length: 90 }, (_, i) => (i * i * 31) % 251),
} satisfies Picture;

/** The same picture, each line with the filter that `filterOf` says: the encoder's side of RFC 2083, section 6. */
function filtered(filterOf: (line: number) => number): Uint8Array {
  const at = (y: number, x: number): number => (y < 0 || x < 0 ? 0 : pixels[y * width * channels + x]);
  const lines = Array.from({ length: height }, (_, y) => {
    const line = Array.from({ length: width * channels }, (_unused, x) => {
      const [a, b, c] = [at(y, x - channels), at(y - 1, x), at(y - 1, x - channels)];
      const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
      const [nearest] = [a, b, c].filter((_neighbour, i) => [pa, pb, pc][i] === Math.min(pa, pb, pc));
      return (at(y, x) - [0, a, b, Math.floor((a + b) / 2), nearest][filterOf(y)] + 256) % 256;
    });
    return [filterOf(y), ...line];
  });
  return Uint8Array.from(lines.flat());
}

/** A PNG of any header and lines, its checksums right; the data in chunks of `size` bytes. */
function file(
  lines: Uint8Array,
  { bits = 8, colour = 2, interlace = 0, size = 1e6, w = width, h = height } = {},
): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(w, 0);
  header.writeUInt32BE(h, 4);
  header.set([bits, colour, 0, 0, interlace], 8);
  const packed = deflateSync(lines);
  const parts = Array.from({ length: Math.ceil(packed.length / size) }, (_, i) =>
    chunk('IDAT', packed.subarray(i * size, (i + 1) * size)),
  );
  return Buffer.concat([
    Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10),
    chunk('IHDR', header),
    chunk('tEXt', Buffer.from('a\0b')),
    ...parts,
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  let crc = 0xffffffff;
  for (const byte of out.subarray(4, 8 + data.length)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  out.writeUInt32BE((crc ^ 0xffffffff) >>> 0, 8 + data.length);
  return out;
}

it.each([0, 1, 2, 3, 4])('undoes filter %i, and a mixture', (filter) => {
  expect(decodePng(file(filtered(() => filter)), 'mine').pixels).toEqual(pixels);
  expect(
    decodePng(
      file(
        filtered((line) => (line + filter) % 5),
        { size: 7 },
      ),
      'mine',
    ).pixels,
  ).toEqual(pixels);
});

it('refuses what it does not read, by name', () => {
  const refuses = (bytes: Uint8Array, message: RegExp): void => {
    expect(() => decodePng(bytes, 'mine')).toThrow(InputError);
    expect(() => decodePng(bytes, 'mine')).toThrow(message);
  };
  const lines = filtered(() => 0);
  const good = file(lines);
  refuses(Uint8Array.of(1, 2, 3), /mine: this is no PNG; save the picture as PNG$/);
  for (const [begins, name] of [
    ['\xff\xd8\xff\xe0', 'a JPEG'],
    ['GIF89a', 'a GIF'],
    ['RIFF\x10\0\0\0WEBP', 'a WebP'],
    ['BM', 'a BMP'],
    ['II*\0', 'a TIFF'],
    ['MM\0*', 'a TIFF'],
    ['\0\0\0\x1cftypavif', 'an AVIF or HEIC'],
  ])
    refuses(
      Uint8Array.from(begins, (letter) => letter.charCodeAt(0)),
      new RegExp(`this is ${name}, no PNG; save the picture as PNG$`),
    );
  refuses(good.subarray(0, good.length - 5), /cut off/);
  refuses(
    Uint8Array.from(good, (byte, i) => (i === 70 ? byte ^ 1 : byte)),
    /checksum/,
  );
  refuses(file(lines, { colour: 3 }), /cannot be unpacked/);
  refuses(file(lines, { colour: 5 }), /colour type is 5; there are 0, 2, 3, 4 and 6/);
  refuses(file(lines, { bits: 4 }), /it has 4 bits for a sample; colour type 2 has 8, 16/);
  refuses(file(lines, { interlace: 2 }), /interlacing 2 are not known/);
  refuses(file(lines, { bits: 16 }), /fewer pixels/);
  refuses(file(lines, { w: 0 }), /0 × 6 pixels/);
  refuses(file(lines, { w: 2 ** 31 - 1, h: 2 ** 31 - 1 }), /pixels/);
  refuses(file(lines, { h: 7 }), /fewer pixels/);
  refuses(file(lines, { h: 5 }), /cannot be unpacked/);
  refuses(file(Uint8Array.from(lines, (byte, i) => (i === 0 ? 5 : byte))), /filter 5/);
  refuses(Buffer.concat([good.subarray(0, 8), chunk('IEND', new Uint8Array(0))]), /no IHDR/);
});

/** How many mutated files are tried: many more where there is time, as in `.ci/run`. */
const mutations = repeated(50_000, 2_000);

it(`${mutations} damaged files are refused in one line, or hold as many pixels as they say`, () => {
  // Damage to the file; to the file, with its checksums made right again; and to the lines before they are packed.
  const lines = filtered((line) => line % 5);
  const good = Uint8Array.from(file(lines));
  const damaged = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> =>
    fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }).map((changes) => {
      const copy = bytes.slice();
      for (const [at, byte] of changes) copy[at] = byte;
      return copy;
    });
  const files = fc.oneof(
    fc
      .tuple(damaged(good), fc.option(fc.nat(good.length)))
      .map(([bytes, length]) => bytes.slice(0, length ?? undefined)),
    damaged(good).map(repaired),
    damaged(lines).map((changed) => Uint8Array.from(file(changed))),
  );
  let read = 0;
  fc.assert(
    fc.property(files, (bytes) => {
      try {
        const picture = decodePng(bytes, 'mine');
        expect(picture.pixels.length).toBe(picture.width * picture.height * picture.channels);
        read++;
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect((error as Error).message).toMatch(/^mine: .*$/);
      }
    }),
    { numRuns: mutations },
  );
  expect(read).toBeGreaterThan(mutations / 100);
}, 300_000);

/** The same bytes, each chunk with its right checksum, as far as their lengths make sense. */
function repaired(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  const parts: Uint8Array[] = [bytes.subarray(0, 8)];
  let at = 8;
  for (; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const end = at + 12 + view.getUint32(at);
    if (end > bytes.length) break;
    parts.push(chunk(String.fromCharCode(...bytes.subarray(at + 4, at + 8)), bytes.subarray(at + 8, end - 4)));
  }
  return Uint8Array.from(Buffer.concat([...parts, bytes.subarray(at)]));
}
