/** Pictures as PNG files (Node: the compression is zlib's). RFC 2083. */
import { deflateSync, inflateSync } from 'node:zlib';
import { InputError } from '../tensor/errors.ts';

/** 8 bits for each channel, row by row; 1 channel is grey, 3 are red, green, blue. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

/** The eight bytes with which every PNG begins. */
const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/**
 * The bytes of a PNG file, without loss.
 * @throws InputError when the pixels are not as many as width, height and channels say, or no picture has such a size
 */
export function encodePng({ width, height, channels, pixels }: Picture): Uint8Array {
  if (![width, height].every((extent) => Number.isInteger(extent) && extent >= 1) || ![1, 3].includes(channels)) {
    throw new InputError(
      `a picture of ${width} × ${height} with ${channels} channels cannot be written; ` +
        'width and height must be whole numbers from 1 on, and there must be 1 channel (grey) or 3 (RGB)',
    );
  }
  if (pixels.length !== width * height * channels) {
    throw new InputError(
      `a picture of ${width} × ${height} with ${channels} channels has ${width * height * channels} bytes, ` +
        `but ${pixels.length} were given`,
    );
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // 8 bits, grey or RGB, the only compression, filtering, no interlace
  header.set([8, channels === 1 ? 0 : 2, 0, 0, 0], 8);
  const stride = width * channels;
  const lines = new Uint8Array(height * (stride + 1)); // each line is led by its filter: 0, none
  for (let y = 0; y < height; y++) lines.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

/** The channels of the colour types that are read: grey and RGB. */
const channelsOf: Readonly<Record<number, 1 | 3 | undefined>> = { 0: 1, 2: 3 };

/** More pixels than this are refused before anything is unpacked. */
const mostPixels = 2 ** 24;

/**
 * Reads what `encodePng` writes, and every other PNG of 8-bit grey or RGB that is not interlaced.
 * @param source the file's name, for messages
 * @throws InputError for other and for damaged files
 */
export function decodePng(bytes: Uint8Array, source: string): Picture {
  const fail = (message: string): never => {
    throw new InputError(`${source}: ${message}`);
  };
  if (!signature.every((byte, i) => bytes[i] === byte)) fail('this is no PNG');
  const chunks = readChunks(bytes, fail);
  const header = chunks.find(({ type }) => type === 'IHDR')?.data ?? fail('there is no IHDR chunk');
  if (header.length !== 13) fail('the IHDR chunk is damaged');
  const view = new DataView(header.buffer, header.byteOffset);
  const [width, height, colourType] = [view.getUint32(0), view.getUint32(4), view.getUint8(9)];
  const channels = channelsOf[colourType] ?? fail(`its colour type is ${colourType}; read are 0 (grey) and 2 (RGB)`);
  if (header[8] !== 8 || header[12] !== 0) fail('only 8 bits for each channel, not interlaced, can be read');
  if (width * height === 0 || width * height > mostPixels) fail(`it has ${width} × ${height} pixels`);

  const lines = inflated(
    Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data)),
    height * (width * channels + 1),
    fail,
  );
  return { width, height, channels, pixels: unfiltered(lines, width * channels, height, channels, fail) };
}

function readChunks(
  bytes: Uint8Array,
  fail: (message: string) => never,
): readonly { type: string; data: Uint8Array }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: { type: string; data: Uint8Array }[] = [];
  for (let at = signature.length; chunks.at(-1)?.type !== 'IEND'; ) {
    const end = at + 12 <= bytes.length ? at + 12 + view.getUint32(at) : Infinity;
    if (end > bytes.length) fail('the file is cut off');
    const checked = bytes.subarray(at + 4, end - 4);
    if (view.getUint32(end - 4) !== crc32(checked)) fail('a checksum is wrong: the file is damaged');
    chunks.push({ type: String.fromCharCode(...checked.subarray(0, 4)), data: checked.subarray(4) });
    at = end;
  }
  return chunks;
}

function inflated(data: Uint8Array, size: number, fail: (message: string) => never): Uint8Array {
  try {
    const lines = inflateSync(data, { maxOutputLength: size });
    return lines.length === size ? lines : fail('it has fewer pixels than its header says');
  } catch (error) {
    if (error instanceof InputError) throw error;
    return fail('its pixels cannot be unpacked');
  }
}

/**
 * Undoes the filters (RFC 2083, section 6): a byte was stored as its difference from what its neighbours predict. What
 * would lie above the first line counts as 0.
 */
function unfiltered(
  lines: Uint8Array,
  stride: number,
  height: number,
  channels: number,
  fail: (message: string) => never,
): Uint8Array {
  const pixels = new Uint8Array(stride * height);
  let above = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1);
    const [filter = 0] = lines.subarray(start, start + 1);
    if (filter > 4) fail(`a line has the filter ${filter}; there are 0 to 4`);
    const row = pixels.subarray(y * stride, (y + 1) * stride);
    // What would lie left of the picture counts as 0.
    lines.subarray(start + 1, start + 1 + stride).forEach((difference, x) => {
      const [left, corner] = [row[x - channels] ?? 0, above[x - channels] ?? 0];
      row[x] = difference + predicted(filter, left, above[x] ?? 0, corner);
    });
    above = row;
  }
  return pixels;
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return (left + above) >> 1;
    case 4:
      return paeth(left, above, corner);
    default:
      return 0;
  }
}

/** The neighbour that is nearest to left + above − corner. */
function paeth(left: number, above: number, corner: number): number {
  const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

/** Length, type, data, and the checksum of type and data. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(type), 4);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}

/** The checksum of ISO 3309. (node:zlib has one since Node 20.15 and 22.2; older 20s have not.) */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
