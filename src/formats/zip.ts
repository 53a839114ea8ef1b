/** The files in a zip archive (Node: the compression is zlib's). PKWARE's APPNOTE 6.3, sections 4.3 and 4.4. */
import { inflateRawSync } from 'node:zlib';
import { InputError } from '../tensor/errors.ts';
import { crc32, type Fail } from './png-chunks.ts';

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
/** The end of an archive without a comment, and the longest comment. */
const [endLength, longestComment] = [22, 65_535];

/** A file of an archive. Its content is unpacked when it is asked for. */
export interface ZipEntry {
  /** Of the content. */
  readonly size: number;
  /** @throws InputError when it cannot be unpacked, or its checksum is wrong */
  content(): Uint8Array;
}

/**
 * The files of an archive by their names: stored or deflated, not encrypted, below 4 GiB.
 * @param source the archive's name, for messages
 * @throws InputError for what is no such archive
 */
export function readZip(bytes: Uint8Array, source: string): ReadonlyMap<string, ZipEntry> {
  const fail: Fail = (message) => {
    throw new InputError(`${source}: ${message}`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view) ?? fail('this is no zip archive, or it is cut off');
  const entries = new Map<string, ZipEntry>();
  const count = view.getUint16(end + 10, true);
  let place = view.getUint32(end + 16, true);
  for (let i = 0; i < count; i++) {
    if (place + 46 > end || view.getUint32(place, true) !== entrySignature) fail('its list of files is damaged');
    const [nameLength, extra, comment] = [28, 30, 32].map((at) => view.getUint16(place + at, true));
    const next = place + 46 + (nameLength ?? 0) + (extra ?? 0) + (comment ?? 0);
    if (next > end) fail('its list of files is damaged');
    const name = new TextDecoder().decode(bytes.subarray(place + 46, place + 46 + (nameLength ?? 0)));
    if (entries.has(name)) fail(`it has two files called ${name}`);
    entries.set(
      name,
      entryAt(bytes, view, place, (message) => fail(`${name} ${message}`)),
    );
    place = next;
  }
  return entries;
}

function findEnd(view: DataView): number | undefined {
  const last = view.byteLength - endLength;
  for (let at = last; at >= Math.max(0, last - longestComment); at--)
    if (view.getUint32(at, true) === endSignature) return at;
  return undefined;
}

/** @param place of its line in the list of files */
function entryAt(bytes: Uint8Array, view: DataView, place: number, fail: Fail): ZipEntry {
  const [flags, method] = [view.getUint16(place + 8, true), view.getUint16(place + 10, true)];
  const [checksum, packedSize] = [view.getUint32(place + 16, true), view.getUint32(place + 20, true)];
  const [size, start] = [view.getUint32(place + 24, true), view.getUint32(place + 42, true)];
  const content = (): Uint8Array => {
    if ((flags & 1) !== 0) fail('is encrypted');
    if (method !== 0 && method !== 8) fail(`is compressed by method ${method}; read are 0 (stored) and 8 (deflated)`);
    if ([packedSize, size, start].includes(0xffffffff)) fail('has 4 GiB or more');
    if (start + 30 > bytes.length || view.getUint32(start, true) !== localSignature)
      fail('is not where it is said to be');
    const begin = start + 30 + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
    if (begin + packedSize > bytes.length) fail('is cut off');
    const packed = bytes.subarray(begin, begin + packedSize);
    const found = method === 0 ? packed : (inflated(packed, size) ?? fail('cannot be unpacked'));
    if (found.length !== size || crc32(found) !== checksum) fail('is damaged: its size or checksum is wrong');
    return found;
  };
  return { size, content };
}

/** Undefined for what cannot be unpacked, or is longer than it says. */
function inflated(packed: Uint8Array, size: number): Uint8Array | undefined {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch {
    return undefined;
  }
}
