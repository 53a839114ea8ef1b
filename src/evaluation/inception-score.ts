/** The Inception Score (Salimans et al. 2016, arXiv 1606.03498): sure decisions, evenly spread over the classes. */
import { exp, log } from '../tensor/math/index.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { chooseItems, rowsOf, tableSize } from './rows.ts';

/**
 * exp(mean over x of KL(p(y|x) ‖ p(y))): from 1 to the number of classes. Computed as exp(H(p(y)) − mean over x of
 * H(p(y|x))), which is the same.
 * @param probabilities [N, classes]
 */
export function inceptionScore(probabilities: Tensor): number {
  return inceptionScoreOf(probabilities)(allRows(probabilities));
}

/**
 * The Inception Score of chosen rows, each row's entropy computed once.
 * @param probabilities [N, classes]
 * @throws InputError when a number is negative or not finite, as of logits
 */
export function inceptionScoreOf(probabilities: Tensor): (chosen: readonly number[]) => number {
  const entropies = rowsOf(probabilities).map((row, i) => {
    if (row.every((share) => share >= 0 && share < Infinity)) return entropy(row);
    throw new InputError(`row ${i} of the probabilities has a number that is none; are these logits?`);
  });
  return (chosen) => {
    const own = chooseItems(entropies, chosen).reduce((sum, one) => sum + one, 0) / chosen.length;
    return exp(entropy(meanRow(probabilities, chosen)) - own);
  };
}

/**
 * The effective number of letters, exp H(p(y)): from 1, always the same letter, to the number of classes.
 * @param probabilities [N, classes]
 * @param chosen the rows that count, by their numbers; all of them unless said otherwise
 */
export function effectiveLetters(probabilities: Tensor, chosen = allRows(probabilities)): number {
  return exp(entropy(meanRow(probabilities, chosen)));
}

/** p(y), the mean of the rows. */
function meanRow(probabilities: Tensor, chosen: readonly number[]): Float64Array {
  const [, classes] = tableSize(probabilities);
  const { data } = probabilities;
  const mean = new Float64Array(classes);
  for (const row of chosen) for (let c = 0; c < classes; c++) mean[c] += data[row * classes + c];
  return mean.map((sum) => sum / chosen.length);
}

function allRows(table: Tensor): readonly number[] {
  const [rows] = tableSize(table);
  return Array.from({ length: rows }, (_, row) => row);
}

/** H(p) = −Σ p ln p, where 0 ln 0 = 0. */
function entropy(p: Tensor['data']): number {
  let sum = 0;
  for (const value of p) if (value > 0) sum -= value * log(value);
  return sum;
}
