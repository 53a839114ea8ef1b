/** PNG files of every kind and pictures of other sizes, against Pillow (scripts/goldens/pictures.py). */
import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { orientationInExif } from '../../src/formats/orientation.ts';
import { maskTensor, pictureTensor, toGrey } from '../../src/formats/picture-tensor.ts';
import { chunkBytes } from '../../src/formats/png-chunks.ts';
import { decodePng } from '../../src/formats/png-reader.ts';
import type { Picture } from '../../src/formats/picture.ts';
import { encodePng } from '../../src/formats/png.ts';
import { resized } from '../../src/formats/resize.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { fixture } from '../goldens.ts';

interface Kind {
  readonly name: string;
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly rgb: string;
  readonly grey: string;
  readonly alpha: string;
  readonly by_specification: readonly string[];
}
interface Sizes {
  readonly width: number;
  readonly height: number;
  readonly pixels: string;
  readonly to_width: number;
  readonly to_height: number;
  readonly resized: string;
}

const read = (name: string): unknown => JSON.parse(readFileSync(fixture(`goldens/pictures/${name}.json`), 'utf8'));
const { files } = read('kinds') as { readonly files: readonly Kind[] };
const { pictures } = read('sizes') as { readonly pictures: readonly Sizes[] };
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));
/** As `convert("RGB")` has it. */
const inColour = ({ channels, pixels }: Picture): Uint8Array =>
  channels === 3 ? pixels : Uint8Array.from({ length: 3 * pixels.length }, (_, i) => pixels[Math.floor(i / 3)]);

describe('a PNG', () => {
  it('is there in every kind', () => {
    for (const kind of ['0, 1', '0, 2', '0, 4', '0, 8', '0, 16', '2, 8', '2, 16', '3, 1', '3, 8', '4, 16', '6, 8'])
      for (const interlaced of ['', ', interlaced'])
        expect(files.map(({ name }) => name)).toContain(`colour type ${kind} bits${interlaced}`);
    expect(files.filter((one) => one.by_specification.length > 0).map(({ name }) => name)).toEqual([
      'colour type 0, 2 bits, interlaced, clear colour',
      'colour type 0, 4 bits, interlaced, clear colour',
      'colour type 0, 16 bits',
      'colour type 0, 16 bits, interlaced',
      'colour type 0, 16 bits, interlaced, clear colour',
      'colour type 2, 16 bits, interlaced, clear colour',
    ]);
  });

  it.each(files.map((one) => [one.name, one] as const))('%s', (name, { file, width, height, rgb, grey, alpha }) => {
    const picture = decodePng(bytesOf(file), name);
    expect([picture.width, picture.height]).toEqual([width, height]);
    expect(inColour(picture)).toEqual(bytesOf(rgb));
    expect(toGrey(picture).pixels).toEqual(bytesOf(grey));
    const opaque = new Uint8Array(width * height).fill(255);
    expect(picture.alpha ?? opaque).toEqual(bytesOf(alpha));
  });

  const header = (bits: number, colour: number): Uint8Array => {
    const data = new Uint8Array(13);
    data.set([0, 0, 0, 2, 0, 0, 0, 1, bits, colour]);
    return chunkBytes('IHDR', data);
  };
  const fileOf = (first: Uint8Array, line: readonly number[], ...more: Uint8Array[]): Uint8Array =>
    Buffer.concat([
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
      first,
      ...more,
      chunkBytes('IDAT', deflateSync(Uint8Array.from(line))),
      chunkBytes('IEND', new Uint8Array(0)),
    ]);

  it.each<[string, Uint8Array]>([
    [
      'a pixel has colour 2 of a palette that has 2',
      fileOf(header(8, 3), [0, 1, 2], chunkBytes('PLTE', new Uint8Array(6))),
    ],
    ['it has no palette (PLTE)', fileOf(header(8, 3), [0, 1, 2])],
    ['its tRNS chunk is cut off', fileOf(header(8, 2), [0, 1, 2, 3, 4, 5, 6], chunkBytes('tRNS', new Uint8Array(5)))],
    ['it has 16 bits for a sample; colour type 3 has 1, 2, 4, 8', fileOf(header(16, 3), [0, 1, 2, 3, 4])],
  ])('is refused: %s', (message, file) => {
    expect(() => decodePng(file, 'mine')).toThrow(InputError);
    expect(() => decodePng(file, 'mine')).toThrow(`mine: ${message}`);
  });

  it('whose EXIF data cannot be read is upright', () => {
    const [{ file }] = files.filter(({ name }) => name === 'eXIf 6');
    const start = Buffer.from(bytesOf(file)).indexOf('eXIf') + 4;
    const exif = bytesOf(file).slice(start, start + 38);
    expect(orientationInExif(exif)).toBe(6);
    for (let length = 0; length < 34; length++)
      expect([undefined, 6]).toContain(orientationInExif(exif.slice(0, length)));
    expect(orientationInExif(exif.slice(0, 30))).toBeUndefined();
    expect(orientationInExif(exif.map(() => 255))).toBeUndefined();
    expect(orientationInExif(exif.map((byte, i) => (i === 4 ? 200 : byte)))).toBeUndefined();
  });
});

describe('a picture in another size', () => {
  it.each(pictures.map((one) => [`${one.width} × ${one.height} to ${one.to_width} × ${one.to_height}`, one] as const))(
    '%s',
    (_, { width, height, pixels, to_width, to_height, resized: expected }) => {
      const picture: Picture = { width, height, channels: 3, pixels: bytesOf(pixels) };
      const result = resized(picture, to_width, to_height);
      expect([result.width, result.height, result.channels]).toEqual([to_width, to_height, 3]);
      expect(result.pixels).toEqual(bytesOf(expected));
      const grey: Picture = { width, height, channels: 1, pixels: picture.pixels.filter((__, i) => i % 3 === 1) };
      expect(resized(grey, to_width, to_height).pixels).toEqual(result.pixels.filter((__, i) => i % 3 === 1));
    },
  );

  it.each([0, -1, 1.5, NaN])('is refused for an extent of %d', (extent) => {
    const picture: Picture = { width: 1, height: 1, channels: 1, pixels: Uint8Array.of(7) };
    expect(() => resized(picture, extent, 2)).toThrow(InputError);
    expect(() => resized(picture, 2, extent)).toThrow('expected whole numbers from 1');
  });
});

describe('the numbers of a picture', () => {
  const picture: Picture = { width: 2, height: 1, channels: 3, pixels: Uint8Array.of(0, 128, 255, 10, 20, 30) };
  const f32 = Math.fround;
  const number = (byte: number): number => f32(f32(2 * f32(byte / 255)) - 1);

  it('are its bytes from −1 to 1, channel by channel', () => {
    const { shape, data } = pictureTensor(picture, 3, 'f32');
    expect(shape).toEqual([1, 3, 1, 2]);
    expect([...data]).toEqual([0, 10, 128, 20, 255, 30].map(number));
    expect([number(0), number(255)]).toEqual([-1, 1]);
    expect([...pictureTensor(picture, 1, 'f64').data]).toEqual([...toGrey(picture).pixels].map(number));
    const grey = pictureTensor({ ...picture, width: 6, channels: 1 }, 3, 'f32');
    expect(grey.shape).toEqual([1, 3, 1, 6]);
    expect([...grey.data.slice(6, 12)]).toEqual([...picture.pixels].map(number));
  });

  it('of a mask are 1 for white, from 128 on, and 0 for black', () => {
    const mask: Picture = { width: 5, height: 1, channels: 1, pixels: Uint8Array.of(0, 127, 128, 129, 255) };
    expect(maskTensor(mask, 'f32')).toEqual({
      dtype: 'f32',
      shape: [1, 1, 1, 5],
      data: Float32Array.of(0, 0, 1, 1, 1),
    });
  });

  it('lead back to the same file', () => {
    expect(decodePng(encodePng(picture), 'mine')).toEqual(picture);
  });
});
