/** The commands that draw, to the last bit, what the page shows. */
import type { State } from '../state.ts';
import { labelOf, noLetter, smallSteps, stepCount, unasked, wordsPictures } from '../study.ts';

/** Where the build of this page puts the letters model, whose weights it rounds. */
export const pageModel = 'dist/walkthrough/model';

/** How the repository's command is called. */
const pag = 'npm run -s pag --';

/** What of the state says which noises and letters are drawn. */
type Asked = Pick<State, 'word' | 'seed' | 'letter'>;

/** @param labels as the command takes them @param file that `--latents` writes */
function sampleCommand(labels: string, seed: number, options: string, file: string): string {
  const asked = `--labels ${labels} --null-label ${noLetter} --seed ${seed} --steps ${stepCount}${options}`;
  return `${pag} sample --model ${pageModel} ${asked} --latents ${file}`;
}

/**
 * The word of the reader, every step of it.
 * @param options of the guidance
 * @param file that `--latents` writes
 */
export function wordCommand({ word, seed }: Pick<Asked, 'word' | 'seed'>, options: string, file: string): string {
  return sampleCommand([...word].map(labelOf).join(','), seed, options, file);
}

/**
 * The letter under study, as the last of its pictures: its noise follows those of the letters before it.
 * @param isAsked whether letters are asked for, or none
 */
export function letterCommand(state: Asked, isAsked: boolean, options: string, file: string): string {
  const count = state.letter + 1;
  if (!isAsked) return freeCommand(state, count, options, file);
  return wordCommand({ word: state.word.slice(0, count), seed: state.seed }, options, file);
}

/** The first pictures that nobody asked for. */
export function freeCommand({ seed }: Pick<Asked, 'seed'>, count: number, options: string, file: string): string {
  return sampleCommand(`${noLetter} --count ${count}`, seed, options, file);
}

/** PAG, in the middle unless layers are given. */
export function pagOptions(scale: number, layers: readonly string[] = []): string {
  const where = layers.length === 0 ? '' : ` --pag-layers ${layers.join(',')}`;
  return ` --guidance pag --pag-scale ${scale}${where}`;
}

/** Classifier-free guidance. */
export function cfgOptions(scale: number): string {
  return ` --guidance cfg --guidance-scale ${scale}`;
}

/** One pass as it is, and one with the identity in these layers. @param input the file that it reads */
export function forwardCommand(input: string, layers: readonly string[], taps: readonly string[] = []): string {
  const seen = taps.length === 0 ? '' : ` --taps ${taps.join(',')}`;
  const asked = `--input ${input} --perturb ${layers.join(',')}${seen}`;
  return `${pag} forward --model ${pageModel} ${asked} --out passes.safetensors`;
}

/** The pictures of the prompt. */
export function promptCommand({ prompt, seed, promptScales: [g, s] }: State): string {
  const guidance = `--guidance cfg+pag --guidance-scale ${g} --pag-scale ${s}`;
  const asked = `--prompt ${quoted(prompt)} --count ${wordsPictures} --seed ${seed} --steps ${stepCount} ${guidance}`;
  return `${pag} sample --model fixtures/letters-text/model ${asked} --out words.png`;
}

/** The name of the archive with the model that the reader has trained, and of the folder in it. */
export function trainedModel({ seed }: Pick<State, 'seed'>): string {
  return `my-letters-${seed}`;
}

/** What that model draws, once it has been saved. */
export function trainedCommand({ seed, lettersScale }: Pick<State, 'seed' | 'lettersScale'>): string {
  const name = trainedModel({ seed });
  const guidance = lettersScale === 0 ? '' : pagOptions(lettersScale, ['down', 'mid', 'up']);
  const labels = [`0-${noLetter - 1}`, ...Array.from({ length: unasked }, () => noLetter)].join(',');
  const asked = `--labels ${labels} --seed ${seed} --steps ${smallSteps}${guidance}`;
  return `tar xf ${name}.tar && ${pag} sample --model ${name} ${asked} --out ${name}.png`;
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
