/** What the classifier reads in the pictures, and how sure it is. */
import type { FloatArray, Tensor } from '../tensor/tensor.ts';
import { rowsOf } from './rows.ts';

/**
 * The most probable class of each row, from 0; of equally probable ones the first.
 * @param probabilities [N, classes]
 */
export function readLetters(probabilities: Tensor): readonly number[] {
  return rowsOf(probabilities).map((row) => largest(row).column);
}

/**
 * For each row the probability of its most probable class: how sure the classifier is that it sees a letter, whichever.
 * @param probabilities [N, classes]
 */
export function confidences(probabilities: Tensor): readonly number[] {
  return rowsOf(probabilities).map((row) => largest(row).value);
}

function largest(row: FloatArray): { readonly column: number; readonly value: number } {
  const [first = NaN] = row;
  let best = { column: 0, value: first };
  row.forEach((value, column) => {
    if (value > best.value) best = { column, value };
  });
  return best;
}
