/** The letters that are restored. */
import { shippedLetters } from '../../../src/cli/shipped.ts';
import { readLettersSheet } from '../../../src/evaluation/letters-sheet.ts';
import { readBytes } from '../../../src/formats/node-files.ts';
import { decodePng } from '../../../src/formats/png-reader.ts';
import { tensor, type Tensor } from '../../../src/tensor/tensor.ts';
import { letterOf, roundSize } from './plan.ts';

/** Height and width. */
export const side = 32;

/** Letters of faces that no classifier and, of the models here, none has seen, by their numbers: [n,1,32,32]. */
export async function openLetters(): Promise<(numbers: readonly number[]) => Tensor> {
  const sheet = readLettersSheet(decodePng(await readBytes(shippedLetters), shippedLetters), shippedLetters);
  const pixels = side * side;
  return (numbers) => {
    const data = new Float32Array(numbers.length * pixels);
    for (const [place, number] of numbers.entries()) {
      const { face, letter } = letterOf(number);
      const start = (face * roundSize + letter) * pixels;
      data.set(sheet.data.subarray(start, start + pixels), place * pixels);
    }
    return tensor('f32', [numbers.length, 1, side, side], data);
  };
}
