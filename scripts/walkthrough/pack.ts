/** Packing what the page unpacks (src/walkthrough/packed.ts). */
import { gzipSync } from 'node:zlib';
import { apart } from '../../src/walkthrough/packed.ts';

/** A file of numbers of two bytes, packed. */
export function pack(bytes: Uint8Array): Uint8Array {
  return gzipSync(apart(bytes), { level: 9 });
}
