/** A run of the reader's word as files: its numbers, and how its letters come about. */
import { writeSafetensors } from '../../formats/safetensors.ts';
import type { SamplingStep } from '../../sampling/sample.ts';
import { button } from '../drawing/controls.ts';
import { element, setAttributes } from '../drawing/dom.ts';
import { download } from '../drawing/download.ts';
import type { Page } from '../page.ts';
import type { FilmRequest, FilmResult, GuidanceChoice } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { latestPicture, wordRun } from '../requests.ts';
import type { State } from '../state.ts';
import { noiseOf } from '../work/noise.ts';

/** A run of the word that can be taken along. */
export interface Take {
  readonly name: string;
  readonly title: string;
  readonly guidance: GuidanceChoice;
  /** Of `pag sample`. */
  readonly options: string;
}

type Format = FilmRequest['format'];

/** Buttons that save a run. */
export interface RunSaver {
  readonly root: HTMLElement;
  /**
   * @param answer the run as far as it has come
   * @returns what is being computed for a file
   */
  show(answer: Answer<SamplingStep>): readonly Answer<FilmResult>[];
}

/** Where an animated PNG stands still, as in many a chat, a GIF moves. */
export function runSaver(page: Page, take: Take): RunSaver {
  // The animation that the reader waits for.
  let wanted: Format | undefined;
  const want = (format: Format) => (): void => {
    wanted = format;
    page.change({});
  };
  const buttons = [
    button('safetensors', `download-${take.name}`, () => saveNumbers(page, take)),
    button('animated PNG', `animation-${take.name}`, want('png')),
    button('GIF', `gif-${take.name}`, want('gif')),
  ];
  for (const one of buttons) setAttributes(one, { 'aria-label': `${take.title}: ${one.textContent}` });
  const waiting = element('span', {}, 'not drawn yet');
  return {
    root: element('div', { class: 'controls saves' }, element('span', {}, take.title), ...buttons, waiting),
    show(answer) {
      for (const one of buttons) setAttributes(one, { disabled: !answer.done || answer.problem !== undefined });
      setAttributes(waiting, { hidden: answer.done });
      if (!wanted || !answer.done) return [];
      const film = filmOf(page, take, wanted, answer);
      const [made] = film.results;
      if (made) {
        download(made.file, `image/${wanted}`, fileName(page.state(), take.name, wanted));
        wanted = undefined;
      }
      return [film];
    },
  };
}

/** Of a run of the word: `page-0-pag.png`. */
export function fileName({ word, seed }: Pick<State, 'word' | 'seed'>, name: string, ending: string): string {
  return `${word.toLowerCase()}-${seed}-${name}.${ending}`;
}

/** The noise and every step of the run. */
function saveNumbers({ client, state }: Page, { guidance, name }: Take): void {
  const request = wordRun(state(), guidance);
  const answer = client.run(request);
  const steps = Object.fromEntries(answer.results.map(({ sample }, i) => [`step.${i}`, sample]));
  const bytes = writeSafetensors({ noise: noiseOf(request), ...steps, sample: latestPicture(request, answer) });
  download(bytes, 'application/octet-stream', fileName(state(), name, 'safetensors'));
}

/** What the model believes in after each step of a run, and the finished word at the end, as a file. */
function filmOf(
  { client, state }: Page,
  { guidance, title }: Take,
  format: Format,
  answer: Answer<SamplingStep>,
): Answer<FilmResult> {
  const request = wordRun(state(), guidance);
  const beliefs = answer.results.flatMap(({ denoised }) => denoised ?? []);
  const pictures = [...beliefs, latestPicture(request, answer)];
  return client.film({ title, pictures, format }, `${format} ${JSON.stringify(request)}`);
}
