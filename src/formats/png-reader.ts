/** Pictures from PNG files of every kind (Node: the compression is zlib's). RFC 2083; PNG 3, 2025, for eXIf. */
import { inflateSync } from 'node:zlib';
import { InputError } from '../tensor/errors.ts';
import { orientationInExif, orientationOf, upright, type Orientation } from './orientation.ts';
import { readChunks, type Chunk, type Fail } from './png-chunks.ts';
import { coloursOf, colourTypes } from './png-colours.ts';
import { lineBytes, samplesOf, type Layout } from './png-lines.ts';
import type { Picture } from './picture.ts';

/** A picture, and what the file says of its transparency. */
export interface DecodedPicture extends Picture {
  /** From 0, clear, to 255, one for each pixel; left out where the file says nothing of it. Colours are as stored. */
  readonly alpha?: Uint8Array;
}

/** More pixels than this are refused before anything is unpacked. */
const mostPixels = 2 ** 24;
/** Longer descriptions than this are not looked at. */
const mostText = 2 ** 20;

/**
 * Reads a PNG: grey, RGB or a palette, with alpha or not, of 1 to 16 bits, interlaced or not; turned upright where EXIF
 * or XMP data say how. Of an animation it is the first picture, of 16 bits the high 8. Colour profiles and gamma are
 * left out of account.
 * @param source the file's name, for messages
 * @throws InputError for other and for damaged files
 */
export function decodePng(bytes: Uint8Array, source: string): DecodedPicture {
  const fail: Fail = (message) => {
    throw new InputError(`${source}: ${message}`);
  };
  const chunks = readChunks(bytes, fail);
  const { layout, colourType } = readHeader(chunks, fail);
  const packed = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data));
  const samples = samplesOf(inflated(packed, lineBytes(layout), fail), layout, fail);
  const { channels, pixels, alpha } = coloursOf(samples, layout, colourType, chunks, fail);
  const { width, height } = layout;
  const orientation = readOrientation(chunks);
  return {
    channels,
    ...upright({ width, height, pixels }, channels, orientation),
    ...(alpha && { alpha: upright({ width, height, pixels: alpha }, 1, orientation).pixels }),
  };
}

/**
 * The texts that a PNG carries, by their keywords: those that are not compressed.
 * @param source the file's name, for messages
 * @throws InputError for other and for damaged files
 */
export function readPngTexts(bytes: Uint8Array, source: string): ReadonlyMap<string, string> {
  const chunks = readChunks(bytes, (message) => {
    throw new InputError(`${source}: ${message}`);
  });
  const texts = new Map<string, string>();
  for (const { type, data } of chunks) {
    const end = data.indexOf(0);
    const keyword = Buffer.from(data.subarray(0, Math.max(0, end))).toString('latin1');
    if (type === 'tEXt') texts.set(keyword, Buffer.from(data.subarray(end + 1)).toString('latin1'));
    if (type === 'iTXt' && data[end + 1] === 0) texts.set(keyword, internationalText(data.subarray(end + 3)));
  }
  return texts;
}

/** What follows the language and the translated keyword of an iTXt chunk. */
function internationalText(data: Uint8Array): string {
  const language = data.indexOf(0);
  const translated = data.indexOf(0, language + 1);
  return language < 0 || translated < 0 ? '' : Buffer.from(data.subarray(translated + 1)).toString('utf8');
}

function readHeader(chunks: readonly Chunk[], fail: Fail): { layout: Layout; colourType: number } {
  const header = chunks.find(({ type }) => type === 'IHDR')?.data ?? fail('there is no IHDR chunk');
  if (header.length !== 13) fail('the IHDR chunk is damaged');
  const view = new DataView(header.buffer, header.byteOffset);
  const [width, height, bits, colourType] = [view.getUint32(0), view.getUint32(4), view.getUint8(8), view.getUint8(9)];
  const known = colourTypes[colourType] ?? fail(`its colour type is ${colourType}; there are 0, 2, 3, 4 and 6`);
  if (!known.bits.includes(bits))
    fail(`it has ${bits} bits for a sample; colour type ${colourType} has ${known.bits.join(', ')}`);
  const [compression, filter, interlace] = [view.getUint8(10), view.getUint8(11), view.getUint8(12)];
  if (compression !== 0 || filter !== 0 || interlace > 1)
    fail(`compression ${compression}, filter ${filter} and interlacing ${interlace} are not known`);
  if (width * height === 0 || width * height > mostPixels)
    fail(`it has ${width} × ${height} pixels; expected from 1 to ${mostPixels}`);
  return { layout: { width, height, bits, channels: known.channels, isInterlaced: interlace === 1 }, colourType };
}

function inflated(data: Uint8Array, size: number, fail: Fail): Uint8Array {
  const lines = unpacked(data, size) ?? fail('its pixels cannot be unpacked');
  return lines.length === size ? lines : fail('it has fewer pixels than its header says');
}

/** Undefined for what cannot be unpacked, or is longer than `most` bytes. */
function unpacked(data: Uint8Array, most: number): Uint8Array | undefined {
  try {
    return inflateSync(data, { maxOutputLength: most });
  } catch {
    return undefined;
  }
}

/** From the chunk eXIf; else from EXIF in text, as older programs write it; else from XMP. */
function readOrientation(chunks: readonly Chunk[]): Orientation {
  const exif = chunks.find(({ type }) => type === 'eXIf')?.data ?? exifInText(textOf(chunks, 'Raw profile type exif'));
  const xmp = textOf(chunks, 'XML:com.adobe.xmp');
  const [, inXmp] = /tiff:Orientation(?:="|>)([0-9])/.exec(xmp ?? '') ?? [];
  return orientationOf((exif && orientationInExif(exif)) ?? Number(inXmp ?? 1));
}

/** A name, a length, and the bytes in hexadecimal digits: lines behind the first three. */
function exifInText(text: string | undefined): Uint8Array | undefined {
  const digits = text?.split('\n').slice(3).join('');
  return digits && /^(?:[0-9a-f]{2})+$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}

/** The text with a keyword, of tEXt, zTXt or iTXt. */
function textOf(chunks: readonly Chunk[], keyword: string): string | undefined {
  for (const { type, data } of chunks) {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const end = bytes.indexOf(0);
    if (!['tEXt', 'zTXt', 'iTXt'].includes(type) || bytes.toString('latin1', 0, end) !== keyword) continue;
    if (type === 'tEXt') return bytes.toString('latin1', end + 1);
    if (type === 'zTXt') return textIn(unpacked(bytes.subarray(end + 2), mostText), 'latin1');
    // Behind the flag and the method of compression: the language and the keyword in it, each ended by a zero.
    const begin = bytes.indexOf(0, bytes.indexOf(0, end + 3) + 1) + 1;
    const text = bytes.subarray(begin);
    return textIn(bytes[end + 1] === 1 ? unpacked(text, mostText) : text, 'utf8');
  }
  return undefined;
}

function textIn(bytes: Uint8Array | undefined, encoding: 'latin1' | 'utf8'): string | undefined {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
}
