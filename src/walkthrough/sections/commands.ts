/** The commands that draw, to the last bit, what the page shows. */
import type { State } from '../state.ts';
import { labelOf, noLetter, smallSteps, stepCount, wordsPictures } from '../study.ts';

/** Where the build of this page puts the letters model, whose weights it rounds. */
export const pageModel = 'dist/walkthrough/model';

/** How the repository's command draws. */
const sample = 'npm run -s pag -- sample';

/**
 * The word of the reader, every step of it.
 * @param options of the guidance
 * @param file that `--latents` writes
 */
export function wordCommand({ word, seed }: Pick<State, 'word' | 'seed'>, options: string, file: string): string {
  const labels = [...word].map(labelOf).join(',');
  const asked = `--labels ${labels} --null-label ${noLetter} --seed ${seed} --steps ${stepCount}${options}`;
  return `${sample} --model ${pageModel} ${asked} --latents ${file}`;
}

/** The pictures of the prompt. */
export function promptCommand({ prompt, seed, promptScales: [g, s] }: State): string {
  const guidance = `--guidance cfg+pag --guidance-scale ${g} --pag-scale ${s}`;
  const asked = `--prompt ${quoted(prompt)} --count ${wordsPictures} --seed ${seed} --steps ${stepCount} ${guidance}`;
  return `${sample} --model fixtures/letters-text/model ${asked} --out words.png`;
}

/** What the model draws that the reader has trained and saved. @param name of its archive, and of the folder in it */
export function lettersCommand({ seed, lettersScale }: State, name: string): string {
  const guidance = lettersScale === 0 ? '' : ` --guidance pag --pag-scale ${lettersScale} --pag-layers down,mid,up`;
  const asked = `--labels 0-${noLetter - 1} --seed ${seed} --steps ${smallSteps}${guidance}`;
  return `tar xf ${name}.tar && ${sample} --model ${name} ${asked} --out ${name}.png`;
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
