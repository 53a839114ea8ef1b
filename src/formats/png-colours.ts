/** From the samples of a PNG to grey or RGB of 8 bits, and alpha. RFC 2083, sections 3 and 4.1. */
import type { Chunk, Fail } from './png-chunks.ts';
import type { Layout } from './png-lines.ts';

/** What a colour type is: its samples for a pixel, and the bits that they may have. */
interface ColourType {
  readonly channels: 1 | 2 | 3 | 4;
  readonly bits: readonly number[];
}

/** By their numbers: grey, RGB, palette, grey with alpha, RGB with alpha. */
export const colourTypes: Readonly<Record<number, ColourType | undefined>> = {
  0: { channels: 1, bits: [1, 2, 4, 8, 16] },
  2: { channels: 3, bits: [8, 16] },
  3: { channels: 1, bits: [1, 2, 4, 8] },
  4: { channels: 2, bits: [8, 16] },
  6: { channels: 4, bits: [8, 16] },
};

/** 8 bits for each sample. */
export interface Coloured {
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
  /** One for each pixel, where the file says something of it. */
  readonly alpha?: Uint8Array;
}

/** The colours of the samples. 16 bits become their high 8, fewer than 8 are spread from 0 to 255. */
export function coloursOf(
  samples: Uint16Array,
  layout: Layout,
  colourType: number,
  chunks: readonly Chunk[],
  fail: Fail,
): Coloured {
  const dataOf = (type: string): Uint8Array | undefined => chunks.find((chunk) => chunk.type === type)?.data;
  const clear = dataOf('tRNS');
  if (colourType === 3) return ofPalette(samples, dataOf('PLTE') ?? fail('it has no palette (PLTE)'), clear, fail);
  const toByte = byteOf(layout.bits);
  const { channels } = layout;
  const colours = channels < 3 ? 1 : 3;
  const count = samples.length / channels;
  const pixels = new Uint8Array(count * colours);
  for (let i = 0; i < count; i++)
    for (let c = 0; c < colours; c++) pixels[i * colours + c] = toByte(samples[i * channels + c] ?? 0);
  if (channels !== colours) {
    const alpha = Uint8Array.from({ length: count }, (_, i) => toByte(samples[i * channels + colours] ?? 0));
    return { channels: colours, pixels, alpha };
  }
  return clear ? { channels: colours, pixels, alpha: clearedBy(clear, samples, channels, fail) } : { channels, pixels };
}

/** From a stored sample to 8 bits. */
function byteOf(bits: number): (sample: number) => number {
  if (bits === 16) return (sample) => sample >> 8;
  const factor = 255 / (2 ** bits - 1);
  return (sample) => sample * factor;
}

/** The one colour that is clear, by its samples as they are stored. */
function clearedBy(clear: Uint8Array, samples: Uint16Array, channels: number, fail: Fail): Uint8Array {
  if (clear.length < 2 * channels) fail('its tRNS chunk is cut off');
  const colour = Array.from({ length: channels }, (_, c) => ((clear[2 * c] ?? 0) << 8) | (clear[2 * c + 1] ?? 0));
  const isClear = (i: number): boolean => colour.every((value, c) => samples[i * channels + c] === value);
  return Uint8Array.from({ length: samples.length / channels }, (_, i) => (isClear(i) ? 0 : 255));
}

/** @param clear the alpha of the palette's first colours; that of the others is 255 */
function ofPalette(indices: Uint16Array, palette: Uint8Array, clear: Uint8Array | undefined, fail: Fail): Coloured {
  const largest = indices.reduce((a, b) => Math.max(a, b), 0);
  const count = Math.floor(palette.length / 3);
  if (largest >= count) fail(`a pixel has colour ${largest} of a palette that has ${count}`);
  const pixels = new Uint8Array(indices.length * 3);
  indices.forEach((index, i) => {
    pixels.set(palette.subarray(index * 3, index * 3 + 3), i * 3);
  });
  return { channels: 3, pixels, ...(clear && { alpha: Uint8Array.from(indices, (index) => clear[index] ?? 255) }) };
}
