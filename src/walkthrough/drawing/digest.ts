/** The fingerprint of a tensor: SHA-256 of its bytes, the same on every machine if and only if all its bits are. */
import type { Tensor } from '../../tensor/tensor.ts';
import { sha256 } from '../sha256.ts';

const known = new WeakMap<Tensor, Promise<string>>();
const shown = new WeakMap<HTMLElement, Tensor | undefined>();

/** In hexadecimal. Empty where the browser has no cryptography. */
export function digestOf(tensor: Tensor): Promise<string> {
  const found = known.get(tensor);
  if (found) return found;
  const digest = computeDigest(tensor);
  known.set(tensor, digest);
  return digest;
}

async function computeDigest({ data }: Tensor): Promise<string> {
  return (await sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))) ?? '';
}

/** Puts the fingerprint of `tensor` on an element as `data-digest`; takes it away where there is no tensor. */
export function showDigest(target: HTMLElement, tensor: Tensor | undefined): void {
  shown.set(target, tensor);
  if (!tensor) {
    delete target.dataset['digest'];
    return;
  }
  void digestOf(tensor).then((digest) => {
    // Another tensor may have come while this one was hashed.
    if (shown.get(target) === tensor) target.dataset['digest'] = digest;
  });
}
