/** Pictures as PNG files (Node: the compression is zlib's). RFC 2083. */
import { deflateSync } from 'node:zlib';
import { firstOf, type Frame } from './animation.ts';
import type { Picture } from './picture.ts';
import { apngFile, pixelLines, pngFile, type PngTexts } from './png-file.ts';

export type { PngTexts };

/**
 * The bytes of a PNG file, without loss.
 * @param texts that the file carries, as iTXt chunks, which any reader of PNG passes over or shows
 * @throws InputError when the pixels are not as many as width, height and channels say, or no picture has such a size
 */
export function encodePng(picture: Picture, texts: PngTexts = {}): Uint8Array {
  return pngFile(picture, packed(picture), texts);
}

/**
 * The bytes of an animated PNG (PNG 3, 2025, section 11.3.4), which goes on for ever; where animations are not known,
 * the first picture is shown.
 * @param frames pictures of one size and one number of channels, and for how many milliseconds each is shown: rounded,
 *   and at most 65,535
 * @throws InputError as `encodePng`, for no frame, and for frames that differ
 */
export function encodeApng(frames: readonly Frame[], texts: PngTexts = {}): Uint8Array {
  firstOf(frames);
  return apngFile(
    frames,
    frames.map(({ picture }) => packed(picture)),
    texts,
  );
}

function packed(picture: Picture): Uint8Array {
  return deflateSync(pixelLines(picture), { level: 9 });
}
