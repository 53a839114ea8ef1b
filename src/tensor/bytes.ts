/** Bytes: joined, as hexadecimal digits, and their fingerprint. */

/** All of these, one behind the other. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** `0a1b…`: two small letters or digits for each. */
export function hexadecimal(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** SHA-256 in hexadecimal, by the cryptography of the engine (`crypto.subtle`). */
export async function sha256(bytes: Uint8Array): Promise<string> {
  // Of a copy: memory that threads share is refused.
  return hexadecimal(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))));
}
