/** Animations as GIF files (CompuServe, Graphics Interchange Format, version 89a), for programs that know no other. */
import { joinBytes } from '../tensor/bytes.ts';
import { InputError } from '../tensor/errors.ts';
import { firstOf, type Frame } from './animation.ts';
import { checkPicture } from './picture.ts';
import { paletteOf, type Palette } from './gif-palette.ts';
import { lzw } from './lzw.ts';

/**
 * The bytes of a GIF, which goes on for ever. Grey pictures, and others of at most 256 colours in all, are kept
 * exactly; else red and blue are rounded to 6 levels, and green to 7.
 * @param frames pictures of one size and one number of channels; the milliseconds are rounded to hundredths of a second
 * @throws InputError as `encodeApng`, and for a size that a GIF cannot have
 */
export function encodeGif(frames: readonly Frame[]): Uint8Array {
  const { width, height } = firstOf(frames).picture;
  if (![width, height].every((extent) => Number.isInteger(extent) && extent >= 1 && extent <= 0xffff))
    throw new InputError(`a GIF of ${width} × ${height} cannot be written; expected 1 to 65535 pixels each way`);
  for (const { picture } of frames) checkPicture(picture);
  const palette = paletteOf(frames.map(({ picture }) => picture));
  return joinBytes([
    ascii('GIF89a'),
    Uint8Array.of(...short(width), ...short(height), 0xf7, 0, 0), // one table of 256 colours for all frames
    palette.table,
    Uint8Array.of(0x21, 0xff, 11, ...ascii('NETSCAPE2.0'), 3, 1, ...short(0), 0), // again and again
    ...frames.flatMap((frame) => frameBlocks(frame, palette)),
    Uint8Array.of(0x3b),
  ]);
}

/** A frame over the whole picture, which stays until the next. */
function frameBlocks({ picture, milliseconds }: Frame, { indicesOf }: Palette): readonly Uint8Array[] {
  const hundredths = Math.min(0xffff, Math.round(milliseconds / 10));
  return [
    Uint8Array.of(0x21, 0xf9, 4, 4, ...short(hundredths), 0, 0),
    Uint8Array.of(0x2c, ...short(0), ...short(0), ...short(picture.width), ...short(picture.height), 0, 8),
    ...subBlocks(lzw(indicesOf(picture))),
  ];
}

/** Each block of at most 255 bytes behind its length, and an empty one at the end. */
function subBlocks(bytes: Uint8Array): readonly Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let begin = 0; begin < bytes.length; begin += 255) {
    const block = bytes.subarray(begin, begin + 255);
    blocks.push(Uint8Array.of(block.length), block);
  }
  return [...blocks, Uint8Array.of(0)];
}

/** 16 bits, the low byte first. */
function short(value: number): readonly [number, number] {
  return [value & 255, value >> 8];
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
