/** Pictures as PNG files (Node: the compression is zlib's). RFC 2083. */
import { deflateSync } from 'node:zlib';
import { text as isText, whole } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { firstOf, type Frame } from './animation.ts';
import { checkPicture, type Picture } from './picture.ts';
import { chunkBytes, signature } from './png-chunks.ts';

/** Texts that a file carries, by their keywords: 1 to 79 characters of Latin-1. */
export type PngTexts = Readonly<Record<string, string>>;

/**
 * The bytes of a PNG file, without loss.
 * @param texts that the file carries, as iTXt chunks, which any reader of PNG passes over or shows
 * @throws InputError when the pixels are not as many as width, height and channels say, or no picture has such a size
 */
export function encodePng(picture: Picture, texts: PngTexts = {}): Uint8Array {
  return Buffer.concat([
    signature,
    headerChunk(picture),
    ...textChunks(texts),
    chunkBytes('IDAT', packedPixels(picture)),
    chunkBytes('IEND', new Uint8Array(0)),
  ]);
}

/**
 * The bytes of an animated PNG (PNG 3, 2025, section 11.3.4), which goes on for ever; where animations are not known,
 * the first picture is shown.
 * @param frames pictures of one size and one number of channels, and for how many milliseconds each is shown, rounded
 * @throws InputError as `encodePng`, for no frame, for frames that differ, and for one of more than 65535 ms
 */
export function encodeApng(frames: readonly Frame[], texts: PngTexts = {}): Uint8Array {
  const first = firstOf(frames);
  for (const [i, { milliseconds }] of frames.entries())
    isDuration(`frame ${i}: milliseconds, rounded,`, Math.round(milliseconds));
  const { width, height } = first.picture;
  let sequence = 0;
  const parts = frames.flatMap(({ picture, milliseconds }, i) => {
    const control = chunkBytes(
      'fcTL',
      numbers([sequence++, width, height, 0, 0], [Math.round(milliseconds), 1000], [0, 0]),
    );
    const pixels = packedPixels(picture);
    if (i === 0) return [control, chunkBytes('IDAT', pixels)];
    return [control, chunkBytes('fdAT', Buffer.concat([numbers([sequence++]), pixels]))];
  });
  return Buffer.concat([
    signature,
    headerChunk(first.picture),
    chunkBytes('acTL', numbers([frames.length, 0])),
    ...textChunks(texts),
    ...parts,
    chunkBytes('IEND', new Uint8Array(0)),
  ]);
}

const isDuration = whole(0, 0xffff);

/** Numbers of 32, 16 and 8 bits, the high byte first. */
function numbers(of32: readonly number[], of16: readonly number[] = [], of8: readonly number[] = []): Uint8Array {
  const bytes = Buffer.alloc(4 * of32.length + 2 * of16.length + of8.length);
  let end = 0;
  for (const value of of32) end = bytes.writeUInt32BE(value, end);
  for (const value of of16) end = bytes.writeUInt16BE(value, end);
  for (const value of of8) end = bytes.writeUInt8(value, end);
  return bytes;
}

function headerChunk(picture: Picture): Uint8Array {
  const { width, height, channels } = picture;
  checkPicture(picture);
  // 8 bits, grey or RGB, the only compression, filtering, no interlace
  return chunkBytes('IHDR', numbers([width, height], [], [8, channels === 1 ? 0 : 2, 0, 0, 0]));
}

function packedPixels({ width, height, channels, pixels }: Picture): Uint8Array {
  const stride = width * channels;
  const lines = new Uint8Array(height * (stride + 1)); // each line is led by its filter: 0, none
  for (let y = 0; y < height; y++) lines.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return deflateSync(lines, { level: 9 });
}

/** Keyword, not compressed, no language, no translation of the keyword, and the text in UTF-8. */
function textChunks(texts: PngTexts): readonly Uint8Array[] {
  return Object.entries(texts).map(([keyword, text]) => {
    if (!/^[\x20-\x7e\xa1-\xff]{1,79}$/.test(keyword))
      throw new InputError(`"${keyword}" is no keyword of a PNG: 1 to 79 characters of Latin-1`);
    isText(`the text of "${keyword}"`, text);
    return chunkBytes(
      'iTXt',
      Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1'), Buffer.from(text, 'utf8')]),
    );
  });
}
