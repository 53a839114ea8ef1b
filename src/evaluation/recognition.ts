/** What the classifier reads in the pictures, and how sure it is. */
import type { Tensor } from '../tensor/tensor.ts';

/** The most probable class of each row. @param probabilities [N, classes] */
export function readLetters(probabilities: Tensor): readonly number[] {
  return rowMaxima(probabilities).map(({ column }) => column);
}

/**
 * For each row the probability of its most probable class: how sure the classifier is that it sees a letter, whichever.
 */
export function confidences(probabilities: Tensor): readonly number[] {
  return rowMaxima(probabilities).map(({ value }) => value);
}

function rowMaxima({ shape, data }: Tensor): readonly { column: number; value: number }[] {
  const [count, classes] = shape as [number, number];
  return Array.from({ length: count }, (_, row) => {
    let column = 0;
    for (let c = 1; c < classes; c++) if (data[row * classes + c] > data[row * classes + column]) column = c;
    return { column, value: data[row * classes + column] };
  });
}
