/** Fingerprints of bytes. */
import { sha256 as digest } from '../tensor/bytes.ts';

/**
 * SHA-256 in hexadecimal. Undefined where the browser has no cryptography: on pages that are neither local nor https.
 */
export async function sha256(bytes: Uint8Array): Promise<string | undefined> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
  return subtle && digest(bytes);
}
