/**
 * Weights as they travel to the page. Of numbers of two bytes the first bytes come first, then the second ones (the
 * shuffle filter of HDF5): exponents, which repeat, are then together, and gzip takes off twice as much.
 */
import { piped } from './piped.ts';

/**
 * The file that was packed.
 * @throws Error when the bytes are not gzip's
 */
export async function unpack(packed: Uint8Array): Promise<Uint8Array> {
  return together(await piped(new Uint8Array(packed), new DecompressionStream('gzip')));
}

/** The even bytes, then the odd ones. */
export function apart(bytes: Uint8Array): Uint8Array {
  const half = Math.ceil(bytes.length / 2);
  return bytes.map((_, i) => bytes[i < half ? 2 * i : 2 * (i - half) + 1] ?? 0);
}

/** What was set apart, as it was. */
function together(bytes: Uint8Array): Uint8Array {
  const half = Math.ceil(bytes.length / 2);
  const whole = new Uint8Array(bytes.length);
  for (let i = 0; i < half; i++) whole[2 * i] = bytes[i] ?? 0;
  for (let i = half; i < bytes.length; i++) whole[2 * (i - half) + 1] = bytes[i] ?? 0;
  return whole;
}
