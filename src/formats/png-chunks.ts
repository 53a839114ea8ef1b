/** What a PNG file is made of. RFC 2083, sections 3 and 4. */

/** The eight bytes with which every PNG begins. */
export const signature: Uint8Array = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** A part of the file. */
export interface Chunk {
  /** Four letters. */
  readonly type: string;
  readonly data: Uint8Array;
}

/** Throws the InputError that names the file. */
export type Fail = (message: string) => never;

/** How the pictures begin that are no PNGs. */
const others: readonly (readonly [begins: string, name: string])[] = [
  ['\xff\xd8\xff', 'a JPEG'],
  ['GIF8', 'a GIF'],
  ['RIFF', 'a WebP'],
  ['BM', 'a BMP'],
  ['II*\0', 'a TIFF'],
  ['MM\0*', 'a TIFF'],
];

/** What a file is that is no PNG, as far as it is known, and the way out. */
function otherText(bytes: Uint8Array): string {
  const begin = String.fromCharCode(...bytes.subarray(0, 12));
  const [, name = begin.slice(4, 8) === 'ftyp' ? 'an AVIF or HEIC' : undefined] =
    others.find(([begins]) => begin.startsWith(begins)) ?? [];
  return `${name === undefined ? 'no PNG' : `${name}, no PNG`}; save the picture as PNG`;
}

/** The chunks of a file, from the first to IEND. What is behind that is not looked at. */
export function readChunks(bytes: Uint8Array, fail: Fail): readonly Chunk[] {
  if (!signature.every((byte, i) => bytes[i] === byte)) fail(`this is ${otherText(bytes)}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = signature.length; chunks.at(-1)?.type !== 'IEND'; ) {
    const end = at + 12 <= bytes.length ? at + 12 + view.getUint32(at) : Infinity;
    if (end > bytes.length) fail('the file is cut off; fetch or save it again');
    const checked = bytes.subarray(at + 4, end - 4);
    if (view.getUint32(end - 4) !== crc32(checked))
      fail('a checksum is wrong: the file is damaged; fetch or save it again');
    chunks.push({ type: String.fromCharCode(...checked.subarray(0, 4)), data: checked.subarray(4) });
    at = end;
  }
  return chunks;
}

/** Length, type, data, and the checksum of type and data. */
export function chunkBytes(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(new TextEncoder().encode(type), 4);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}

/** The checksum of ISO 3309. (node:zlib has one since Node 20.15 and 22.2; older 20s have not.) */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
