/** How different the pictures of one letter are. */
import type { Tensor } from '../tensor/tensor.ts';
import { tableSize } from './rows.ts';

/**
 * The variance of the features within a letter, summed over the features and pooled over the letters: Σ_y Σ_{x read as
 * y} |f(x) − mean_y|² / (N − number of letters read). Half the mean squared distance of two pictures of a letter.
 * @param features [N, n]
 * @param letters what each picture is read as
 * @returns 0 when no letter is there twice
 */
export function varianceWithinLetters(features: Tensor, letters: readonly number[]): number {
  const [, n] = tableSize(features);
  const groups = new Map<number, number[]>();
  for (const [row, letter] of letters.entries()) {
    const rows = groups.get(letter) ?? [];
    rows.push(row);
    groups.set(letter, rows);
  }
  let sum = 0;
  for (const rows of groups.values()) {
    for (let i = 0; i < n; i++) {
      const mean = rows.reduce((total, row) => total + features.data[row * n + i], 0) / rows.length;
      for (const row of rows) sum += (features.data[row * n + i] - mean) ** 2;
    }
  }
  return letters.length === groups.size ? 0 : sum / (letters.length - groups.size);
}
