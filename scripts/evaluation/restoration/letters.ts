/** The letters that are restored. */
import { shippedLetters } from '../../../src/cli/shipped.ts';
import { readLettersSheet } from '../../../src/evaluation/letters-sheet.ts';
import { chooseRows } from '../../../src/evaluation/rows.ts';
import { readBytes } from '../../../src/formats/node-files.ts';
import { decodePng } from '../../../src/formats/png-reader.ts';
import { tensor, type Tensor } from '../../../src/tensor/tensor.ts';
import { faces, letterOf, roundSize } from './plan.ts';

/** Height and width. */
export const side = 32;

/** Letters of faces that no classifier and, of the models here, none has seen, by their numbers: [n,1,32,32]. */
export async function openLetters(): Promise<(numbers: readonly number[]) => Tensor> {
  const sheet = readLettersSheet(decodePng(await readBytes(shippedLetters), shippedLetters), shippedLetters);
  const rows = tensor(sheet.dtype, [faces * roundSize, side * side], sheet.data);
  return (numbers) => {
    const places = numbers.map(letterOf).map(({ face, letter }) => face * roundSize + letter);
    return tensor('f32', [numbers.length, 1, side, side], chooseRows(rows, places).data);
  };
}
