/** Results of processes, as files of float32 numbers. */
import { readFileSync } from 'node:fs';

/** The numbers of a file. */
export function readFloats(path: string): Float32Array {
  return new Float32Array(new Uint8Array(readFileSync(path)).buffer);
}

/** How far numbers are from others: the root mean square of their differences beside that of the others. */
export function relativeError(found: ArrayLike<number>, truth: ArrayLike<number>): number {
  let [differences, size] = [0, 0];
  for (let i = 0; i < truth.length; i++) {
    const value = truth[i] ?? NaN;
    differences += ((found[i] ?? NaN) - value) ** 2;
    size += value ** 2;
  }
  return Math.sqrt(differences / size);
}
