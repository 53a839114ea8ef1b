/**
 * The letters that are learned, as they lie beside the page: the pixels of all of them, packed, A to Z of a face, then
 * those of the next.
 */
import type { Pictures } from '../../training/pictures.ts';
import { packedEnding } from '../models.ts';
import { unpack } from '../packed.ts';
import { noLetter, smallSide } from '../study.ts';

/** What it is called, in its folder. */
export const lettersFile = `letters${packedEnding}`;

/** Reads it. @throws Error when the bytes are not gzip's */
export async function lettersIn(file: Uint8Array): Promise<Pictures> {
  return lettersOf(await unpack(file));
}

/** @param pixels of all letters, [N,H,W], from 0, paper, to 255, ink; N is a multiple of 26 */
export function lettersOf(pixels: Uint8Array): Pictures {
  const count = pixels.length / smallSide ** 2;
  return {
    shape: [count, 1, smallSide, smallSide],
    data: pixels,
    labels: Array.from({ length: count }, (_, number) => number % noLetter),
  };
}
