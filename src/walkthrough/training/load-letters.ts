/** Loads the letters that are learned. It is loaded itself when the reader asks for them, and not before. */
import { urlReader } from '../../formats/url-reader.ts';
import type { Pictures } from '../../training/pictures.ts';
import { present } from '../checked.ts';
import { expecting, type PromisedFiles } from '../work/promised.ts';
import { lettersFile, lettersIn } from './letters-file.ts';

/** The files of the folder beside the page that holds them. */
declare const MODELS: Readonly<Record<'trainer', PromisedFiles>>;

/** @throws InputError when the file is missing, or not the one that belongs to the page */
export async function loadLetters(): Promise<Pictures> {
  const readFile = expecting(urlReader(new URL('trainer', document.baseURI)), MODELS.trainer);
  return lettersIn(present(await readFile(lettersFile), lettersFile));
}
