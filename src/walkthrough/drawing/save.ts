/** Files that the reader takes along. */
import { element } from './dom.ts';

/** Saves bytes as a file of the reader's. */
export function saveFile(bytes: Uint8Array, type: string, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type }));
  element('a', { href: url, download: name }).click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A file of tensors. */
export function saveTensors(bytes: Uint8Array, name: string): void {
  saveFile(bytes, 'application/octet-stream', name);
}
