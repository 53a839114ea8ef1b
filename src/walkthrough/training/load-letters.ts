/** Loads the letters that are learned. It is loaded itself when the reader asks for them, and not before. */
import type { Pictures } from '../../training/pictures.ts';
import { present } from '../checked.ts';
import { modelFolder } from '../models.ts';
import { lettersFile, lettersIn } from './letters-file.ts';

/** @throws Error when the file is missing; InputError when it is not the one that belongs to the page */
export async function loadLetters(): Promise<Pictures> {
  const readFile = modelFolder('trainer', () => {});
  return lettersIn(present(await readFile(lettersFile), lettersFile));
}
