/** Which letter a picture is, read by the nearest of those that were learned from. */
import { at } from '../../tensor/at.ts';
import type { FloatArray, Tensor } from '../../tensor/tensor.ts';
import { samplesOf, type Pictures } from '../../training/pictures.ts';

/** Reads letters. @param samples [B,1,H,W] @returns their labels */
export type Reader = (samples: Tensor) => readonly number[];

/**
 * A reader that knows these letters: what is least far from a picture, by the sum of squares over all pixels, is what
 * it is.
 * @param letters with their labels; of one size with what is read
 */
export function readerOf(letters: Pictures): Reader {
  const { labels = [] } = letters;
  const numbers = [...labels.keys()];
  const size = letters.data.length / numbers.length;
  const known = picturesOf(samplesOf(letters, numbers).data, size);
  return ({ data }) => picturesOf(data.map(shown), size).map((picture) => at(labels, nearest(picture, known)));
}

/** What a screen shows of a number: nothing is whiter than paper, or blacker than ink. */
function shown(value: number): number {
  return Math.max(-1, Math.min(1, value));
}

/** The numbers of each picture. */
function picturesOf(data: FloatArray, size: number): readonly FloatArray[] {
  return Array.from({ length: data.length / size }, (_, i) => data.subarray(i * size, (i + 1) * size));
}

/** The place of the picture that is least far. */
function nearest(picture: FloatArray, known: readonly FloatArray[]): number {
  let [place, least] = [0, Infinity];
  for (const [i, other] of known.entries()) {
    const distance = distanceUpTo(least, picture, other);
    if (distance < least) [place, least] = [i, distance];
  }
  return place;
}

/** The sum of squares, or whatever more than `most` it has come to: what is farther is not asked how far. */
function distanceUpTo(most: number, a: FloatArray, b: FloatArray): number {
  let sum = 0;
  for (let k = 0; k < a.length && sum < most; k++) sum += ((a[k] ?? 0) - (b[k] ?? 0)) ** 2;
  return sum;
}
