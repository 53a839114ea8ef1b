/** GIF: what is written is read again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../src/formats/animation.ts';
import { encodeGif } from '../../src/formats/gif.ts';
import type { Picture } from '../../src/formats/picture.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { decodeGif } from './gif-decoder.ts';

describe('encodeGif', () => {
  it('keeps grey pictures, their order and their times', () => {
    fc.assert(
      fc.property(animation(1, fc.nat(255)), (frames) => {
        const read = decodeGif(encodeGif(frames));
        expect(read.frames.map(({ hundredths }) => hundredths)).toEqual(frames.map(({ hundredths }) => hundredths));
        for (const [i, { picture }] of frames.entries())
          expect(read.frames[i].pixels).toEqual([...picture.pixels].flatMap((grey) => [grey, grey, grey]));
      }),
    );
  });

  it('keeps up to 256 colours', () => {
    fc.assert(
      fc.property(animation(3, fc.constantFrom(0, 17, 80, 128, 254, 255)), (frames) => {
        const read = decodeGif(encodeGif(frames));
        for (const [i, { picture }] of frames.entries()) expect(read.frames[i].pixels).toEqual([...picture.pixels]);
      }),
    );
  });

  it('rounds times to hundredths of a second', () => {
    const timesOf = (milliseconds: number): readonly number[] =>
      decodeGif(encodeGif([{ picture: picture(1, 1, 1, new Uint8Array(1)), milliseconds }])).frames.map(
        ({ hundredths }) => hundredths,
      );
    expect([14, 15, 24, 1e9].flatMap(timesOf)).toEqual([1, 2, 2, 65_535]);
  });

  it('rounds more colours to the nearest level', () => {
    const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => scattered(i));
    const [read] = decodeGif(encodeGif([{ picture: picture(32, 32, 3, pixels), milliseconds: 0 }])).frames;
    const off = read.pixels.map((value, i) => Math.abs(value - pixels[i]));
    for (const channel of [0, 1, 2]) {
      const most = Math.max(...off.filter((_, i) => i % 3 === channel));
      expect(most).toBeLessThanOrEqual(Math.ceil(255 / (2 * [5, 6, 5][channel])));
      expect(most).toBeGreaterThan(10);
    }
  });

  it('starts its table of codes anew when it is full', () => {
    // Pixels without order need a new code each.
    const pixels = Uint8Array.from({ length: 200 * 150 }, (_, i) => scattered(i));
    const [read] = decodeGif(encodeGif([{ picture: picture(200, 150, 1, pixels), milliseconds: 0 }])).frames;
    expect(read.pixels.filter((_, i) => i % 3 === 0)).toEqual([...pixels]);
  });

  it('ends right when the last code is the first of a new width', () => {
    for (let length = 240; length < 270; length++) {
      const pixels = Uint8Array.from({ length }, (_, i) => i & 255);
      const [read] = decodeGif(encodeGif([{ picture: picture(length, 1, 1, pixels), milliseconds: 0 }])).frames;
      expect(read.pixels.length, `${length}`).toBe(3 * length);
    }
  });

  it('refuses what no GIF can be', () => {
    const small = picture(2, 1, 1, new Uint8Array(2));
    const wide = picture(65536, 1, 1, new Uint8Array(65536));
    const refused = (...pictures: readonly Picture[]) =>
      expect(() => encodeGif(pictures.map((one) => ({ picture: one, milliseconds: 0 }))));
    refused().toThrow(new InputError('an animation needs at least one picture'));
    refused(small, picture(1, 2, 1, new Uint8Array(2))).toThrow(/differ: 2 × 1 with 1 channels, and 1 × 2/);
    refused(wide).toThrow('a GIF of 65536 × 1 cannot be written; expected 1 to 65535 pixels each way');
    refused(picture(2, 2, 1, new Uint8Array(3))).toThrow('has 4 bytes, but 3 were given');
  });

  it.each<[unknown, RegExp]>([
    [undefined, /^an animation is undefined; it must be a list of frames/],
    [[null], /^frame 0 is given null; it takes \{ picture, milliseconds \}/],
    [[picture(2, 1, 1, new Uint8Array(2))], /^picture is undefined; it must be a picture/],
    [[{ picture: picture(2, 1, 1, new Uint8Array(2)) }], /^milliseconds is undefined; it must be/],
    [[{ picture: picture(2, 1, 1, new Uint8Array(2)), milliseconds: -1 }], /^milliseconds is -1; it must be/],
  ])('refuses %j, which are no frames', (frames, message) => {
    expect(() => encodeGif(frames as readonly Frame[])).toThrow(InputError);
    expect(() => encodeGif(frames as readonly Frame[])).toThrow(message);
  });
});

/** Values of a byte without order. */
function scattered(i: number): number {
  const mixed = Math.imul(i + 1, 0x9e3779b1);
  return Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b) >>> 24;
}

function picture(width: number, height: number, channels: 1 | 3, pixels: Uint8Array): Picture {
  return { width, height, channels, pixels };
}

function animation(channels: 1 | 3, value: fc.Arbitrary<number>) {
  const size = fc.record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 20 }) });
  return size.chain(({ width, height }) => {
    const count = width * height * channels;
    const frame = fc.record({
      values: fc.array(value, { minLength: count, maxLength: count }),
      hundredths: fc.nat(300),
    });
    return fc.array(frame, { minLength: 1, maxLength: 3 }).map((frames) =>
      frames.map(({ values, hundredths }) => ({
        picture: picture(width, height, channels, Uint8Array.from(values)),
        milliseconds: 10 * hundredths,
        hundredths,
      })),
    );
  });
}
