/** PNG files, still or animated, of pixels that somebody has compressed: who that is, depends on where it runs. */
import { at } from '../tensor/at.ts';
import { joinBytes } from '../tensor/bytes.ts';
import { text as isText } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { firstOf, type Frame } from './animation.ts';
import { checkPicture, type Picture } from './picture.ts';
import { chunkBytes, signature } from './png-chunks.ts';

/** Texts that a file carries, by their keywords: 1 to 79 characters of Latin-1. */
export type PngTexts = Readonly<Record<string, string>>;

/**
 * What of a picture is to be compressed, as zlib does (RFC 1950): its lines, each led by its filter, which is none.
 * @throws InputError when the pixels are not as many as width, height and channels say, or no picture has such a size
 */
export function pixelLines(picture: Picture): Uint8Array<ArrayBuffer> {
  checkPicture(picture);
  const { width, height, channels, pixels } = picture;
  const stride = width * channels;
  const lines = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) lines.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return lines;
}

/**
 * The bytes of a PNG file. RFC 2083.
 * @param packed its lines, compressed
 * @param texts that the file carries, as iTXt chunks
 * @throws InputError for a keyword that is none
 */
export function pngFile(picture: Picture, packed: Uint8Array, texts: PngTexts = {}): Uint8Array {
  return joinBytes([
    signature,
    headerChunk(picture),
    ...textChunks(texts),
    chunkBytes('IDAT', packed),
    chunkBytes('IEND', new Uint8Array(0)),
  ]);
}

/**
 * The bytes of an animated PNG, which goes on for ever. PNG 3 (2025), section 11.3.4.
 * @param packed the lines of each frame, compressed
 * @throws InputError for no frame, for frames that differ, and for a keyword that is none
 */
export function apngFile(
  frames: readonly Frame[],
  packed: readonly Uint8Array[],
  texts: PngTexts = {},
): Uint8Array<ArrayBuffer> {
  const first = firstOf(frames);
  const { width, height } = first.picture;
  let sequence = 0;
  const parts = frames.flatMap(({ milliseconds }, i) => {
    const pixels = at(packed, i);
    const shown = Math.min(0xffff, Math.round(milliseconds));
    const control = chunkBytes('fcTL', numbers([sequence++, width, height, 0, 0], [shown, 1000], [0, 0]));
    if (i === 0) return [control, chunkBytes('IDAT', pixels)];
    return [control, chunkBytes('fdAT', joinBytes([numbers([sequence++]), pixels]))];
  });
  return joinBytes([
    signature,
    headerChunk(first.picture),
    chunkBytes('acTL', numbers([frames.length, 0])),
    ...textChunks(texts),
    ...parts,
    chunkBytes('IEND', new Uint8Array(0)),
  ]);
}

/** Numbers of 32, 16 and 8 bits, the high byte first. */
function numbers(of32: readonly number[], of16: readonly number[] = [], of8: readonly number[] = []): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * of32.length + 2 * of16.length + of8.length));
  const [behind32, behind16] = [4 * of32.length, 4 * of32.length + 2 * of16.length];
  for (const [i, value] of of32.entries()) view.setUint32(4 * i, value);
  for (const [i, value] of of16.entries()) view.setUint16(behind32 + 2 * i, value);
  for (const [i, value] of of8.entries()) view.setUint8(behind16 + i, value);
  return new Uint8Array(view.buffer);
}

function headerChunk({ width, height, channels }: Picture): Uint8Array {
  // 8 bits, grey or RGB, the only compression, filtering, no interlace
  return chunkBytes('IHDR', numbers([width, height], [], [8, channels === 1 ? 0 : 2, 0, 0, 0]));
}

/** Keyword, not compressed, no language, no translation of the keyword, and the text in UTF-8. */
function textChunks(texts: PngTexts): readonly Uint8Array[] {
  return Object.entries(texts).map(([keyword, text]) => {
    if (!/^[\x20-\x7e\xa1-\xff]{1,79}$/.test(keyword))
      throw new InputError(`"${keyword}" is no keyword of a PNG: 1 to 79 characters of Latin-1`);
    isText(`the text of "${keyword}"`, text);
    const latin = Uint8Array.from(`${keyword}\0\0\0\0\0`, (letter) => letter.charCodeAt(0));
    return chunkBytes('iTXt', joinBytes([latin, new TextEncoder().encode(text)]));
  });
}
