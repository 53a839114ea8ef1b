import { InputError } from '../../src/tensor/errors.ts';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, drawText, lineHeight } from '../../src/formats/font.ts';
import { grid, toByte } from '../../src/formats/grid.ts';
import type { Picture } from '../../src/formats/picture.ts';
import { encodePng } from '../../src/formats/png.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';

/** A decoder after RFC 2083 that shares nothing with the encoder, and checks all that a decoder may check. */
function decodePng(bytes: Uint8Array): Picture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  expect([...bytes.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks: { type: string; data: Uint8Array }[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    expect(view.getUint32(at + 8 + length)).toBe(checksum(bytes.subarray(at + 4, at + 8 + length)));
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  expect(chunks.map(({ type }) => type)).toEqual(['IHDR', 'IDAT', 'IEND']);
  const [header, data, end] = chunks.map((chunk) => chunk.data);
  expect([header.length, end.length]).toEqual([13, 0]);
  const headerView = new DataView(header.buffer, header.byteOffset);
  const [width, height] = [headerView.getUint32(0), headerView.getUint32(4)];
  const [bits, colour, ...methods] = header.subarray(8);
  expect([bits, ...methods]).toEqual([8, 0, 0, 0]);
  expect([0, 2]).toContain(colour);
  const channels = colour === 0 ? 1 : 3;
  const lines = inflateSync(data);
  expect(lines.length).toBe(height * (1 + width * channels));
  const pixels = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const start = y * (1 + width * channels);
    expect(lines[start]).toBe(0);
    pixels.set(lines.subarray(start + 1, start + 1 + width * channels), y * width * channels);
  }
  return { width, height, channels, pixels };
}

/** CRC-32 as long division of polynomials over GF(2), bit by bit from the front. */
function checksum(bytes: Uint8Array): number {
  let remainder = 0xffffffffn;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const top = (remainder >> 31n) & 1n;
      remainder = (remainder << 1n) & 0xffffffffn;
      if (top !== BigInt((byte >> bit) & 1)) remainder ^= 0x04c11db7n;
    }
  }
  const reversed = [...remainder.toString(2).padStart(32, '0')].reverse().join('');
  return Number(BigInt(`0b${reversed}`) ^ 0xffffffffn);
}

const pictures = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom(1 as const, 3 as const))
  .chain(([width, height, channels]) =>
    fc
      .uint8Array({ minLength: width * height * channels, maxLength: width * height * channels })
      .map((pixels): Picture => ({ width, height, channels, pixels })),
  );

describe('PNG', () => {
  it('decodes to the picture that it was made of', () => {
    fc.assert(
      fc.property(pictures, (picture) => {
        expect(decodePng(encodePng(picture))).toEqual(picture);
      }),
    );
  });

  it('is refused for pixels that are too few or too many', () => {
    fc.assert(
      fc.property(
        pictures,
        fc.integer({ min: -1, max: 5 }).filter((extra) => extra !== 0),
        (picture, extra) => {
          const pixels = new Uint8Array(picture.pixels.length + extra);
          expect(() => encodePng({ ...picture, pixels })).toThrow(InputError);
        },
      ),
    );
  });
});

/** A batch of pictures of 2 × 2, each of one shade. */
const shades = (values: readonly number[], channels = 1): Tensor =>
  tensor(
    'f32',
    [values.length, channels, 2, 2],
    Float32Array.from(values.flatMap((value) => Array<number>(channels * 4).fill(value))),
  );

describe('a grid of samples', () => {
  it('shows every pixel of every sample, enlarged, in reading order', () => {
    const data = Float32Array.from({ length: 3 * 4 }, (_, i) => (i - 6) / 6);
    const { width, pixels, channels } = grid([{ title: 'x', samples: tensor('f32', [3, 1, 2, 2], data) }], 3, 2);
    expect(channels).toBe(1);
    // The title takes 24 pixels below the margin of 12; a cell is 2 · 3 + 4 wide and high; two in a row.
    for (let b = 0; b < 3; b++) {
      for (let y = 0; y < 6; y++) {
        for (let x = 0; x < 6; x++) {
          const [left, top] = [12 + 10 * (b % 2), 12 + 24 + 10 * Math.floor(b / 2)];
          expect(pixels[(top + y) * width + left + x]).toBe(
            toByte(data[b * 4 + Math.floor(y / 3) * 2 + Math.floor(x / 3)]),
          );
        }
      }
    }
  });

  it('shows red, green and blue, and of four channels the first three', () => {
    for (const channels of [3, 4]) {
      const samples = tensor('f32', [1, channels, 1, 1], Float32Array.of(-1, 0, 1, 0.5).slice(0, channels));
      const picture = grid([{ title: '', samples }], 1);
      const at = ((12 + 24) * picture.width + 12) * 3;
      expect([...picture.pixels.subarray(at, at + 3)]).toEqual([0, 128, 255]);
    }
  });

  it('is as large as what it holds', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 8 }),
        fc.string({ maxLength: 30 }),
        (count, columns, title) => {
          const picture = grid([{ title, samples: shades(Array<number>(count).fill(0)) }], 2, columns);
          expect(picture.pixels.length).toBe(picture.width * picture.height);
          expect(picture.height).toBe(24 + 24 + Math.ceil(count / columns) * 8 + 4);
          expect(picture.width).toBe(24 + Math.max(Math.min(count, columns) * 8, 12 * title.length));
        },
      ),
    );
  });

  it('fits on a screen, small samples enlarged, large ones not', () => {
    for (const [extent, zoom, columns] of [
      [8, 12, 13],
      [32, 3, 13],
      [64, 2, 9],
      [256, 1, 5],
      [2048, 1, 1],
    ] as const) {
      const samples = tensor('f32', [20, 1, 1, extent], new Float32Array(20 * extent));
      expect(grid([{ title: '', samples }]).width).toBe(24 + columns * (extent * zoom + 4));
    }
  });

  it('refuses what is no picture', () => {
    const draw = (shape: readonly number[]) => () =>
      grid([{ title: '', samples: tensor('f32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1))) }]);
    expect(draw([1, 2, 4, 4])).toThrow(
      'samples of shape [1, 2, 4, 4] cannot be drawn; expected [B,C,H,W] with 1, 3 or 4 channels',
    );
    expect(draw([4, 4])).toThrow('cannot be drawn');
    expect(() => grid([])).toThrow('there are no samples to draw; a grid needs at least one row of them');
    expect(() =>
      grid([
        { title: '', samples: shades([0]) },
        { title: '', samples: shades([0], 3) },
      ]),
    ).toThrow('cannot be drawn');
  });

  it('rounds to the nearest shade and clips', () => {
    expect([-1, 1, 0, -2, 2, NaN, Infinity, -Infinity, -1 + 0.49 / 127.5, -1 + 0.51 / 127.5].map(toByte)).toEqual([
      0, 255, 128, 0, 255, 0, 255, 0, 0, 1,
    ]);
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (value) => {
        expect(Math.abs(toByte(value) / 127.5 - 1 - value)).toBeLessThanOrEqual(0.5 / 127.5 + 1e-12);
      }),
    );
  });
});

describe('the font', () => {
  const draw = (text: string): string[] => {
    const rows = Array.from({ length: lineHeight }, () => Array<string>(advance * [...text].length).fill(' '));
    drawText(text, (x, y) => {
      rows[y][x] = '#';
    });
    return rows.map((row) => row.join('').trimEnd());
  };

  it('draws letters', () => {
    expect(draw('PAG')).toEqual([
      '####   ###   ###',
      '#   # #   # #   #',
      '#   # #   # #',
      '####  ##### # ###',
      '#     #   # #   #',
      '#     #   # #   #',
      '#     #   #  ####',
      '',
      '',
    ]);
  });

  it('stays within its lines, tells characters apart, and shows a question mark for those that it lacks', () => {
    const all = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !'()*+,-./:=_%?|<>~[]#"];
    expect(new Set(all.map((character) => draw(character).join('\n'))).size).toBe(all.length);
    expect(draw('é')).toEqual(draw('?'));
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        drawText(text, (x, y) => {
          if (!(x >= 0 && x < advance * [...text].length && y >= 0 && y < lineHeight))
            throw new Error(`a dot at ${x}, ${y}`);
        });
      }),
    );
  });
});
