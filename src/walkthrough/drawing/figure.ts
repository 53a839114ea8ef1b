/** Parts that most figures have. */
import type { Answer } from '../questions.ts';
import type { Loaded } from '../work/promised.ts';
import { button } from './controls.ts';
import { element, setAttributes, setText } from './dom.ts';

/** A picture or control with a line of text below. */
export function captioned(content: Node, ...caption: readonly (Node | string)[]): HTMLElement {
  return element('figure', { class: 'captioned' }, content, element('figcaption', {}, ...caption));
}

/** The event that the reader wants to begin anew: what computes is started again. */
export const tryAgain = 'tryagain';

/** The event that the reader wants the page on paper, with every figure. */
export const printAll = 'printall';

/** A button with which the reader wants to begin anew; hidden until something has failed. */
export function tryAgainButton(): HTMLButtonElement {
  const made = wishButton('try again', 'again', tryAgain);
  made.hidden = true;
  return made;
}

/** A button that draws what is not drawn yet, and prints. */
export function printButton(): HTMLButtonElement {
  return wishButton('print', 'print', printAll);
}

function wishButton(text: string, name: string, wish: string): HTMLButtonElement {
  const made = button(text, name, () => made.dispatchEvent(new Event(wish, { bubbles: true })));
  return made;
}

/** The line below a figure. */
export interface Status {
  readonly root: HTMLElement;
  /**
   * Says how far the answers are, and what they took.
   * @param expected how many results there will be
   * @param what they are, as `the letters`
   */
  show(answers: readonly Answer<unknown>[], expected: number, what: string): void;
}

/** The line below a figure that says what was computed. */
export function status(): Status {
  const text = element('span', {});
  const again = tryAgainButton();
  const root = element('p', { class: 'status', 'data-state': 'waiting' }, text, again);
  return {
    root,
    show(answers, expected, what) {
      const done = answers.length > 0 && answers.every((answer) => answer.done);
      const results = answers.reduce((sum, answer) => sum + answer.results.length, 0);
      const { state, text: said } = situation(answers, done, results, expected, what);
      setAttributes(root, { 'data-state': state });
      root.style.setProperty('--progress', String(done ? 1 : results / expected));
      setText(text, said);
      setAttributes(again, { hidden: state !== 'failed' });
    },
  };
}

function situation(
  answers: readonly Answer<unknown>[],
  done: boolean,
  results: number,
  expected: number,
  what: string,
): { readonly state: 'failed' | 'done' | 'computing'; readonly text: string } {
  const problem = answers.find((answer) => answer.problem !== undefined)?.problem;
  if (problem !== undefined) return { state: 'failed', text: problem };
  const seconds = answers.reduce((sum, answer) => sum + (answer.seconds ?? 0), 0);
  if (done) return { state: 'done', text: `${what}: computed here in ${secondsText(seconds)}` };
  const soFar = results === 0 ? 'waiting for its turn' : `${results} of ${expected}`;
  return { state: 'computing', text: `${what}: ${soFar}` };
}

/** `31 ms`, `0.62 s`, `12 s`. */
export function secondsText(seconds: number): string {
  if (seconds < 0.1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 10 ? `${seconds.toFixed(2)} s` : `${Math.round(seconds)} s`;
}

/** `1.2 of 3.9 MB`. */
export function loadedText({ done, total }: Loaded): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return `${megabytes(done)} of ${megabytes(total)} MB`;
}

/** A bar that shows how far something has been loaded; none when nothing is being loaded. */
export function loadingBar(): { readonly root: HTMLProgressElement; show(loaded: Loaded | undefined): void } {
  const root = element('progress', { hidden: true, 'aria-label': 'how much has been loaded' });
  return {
    root,
    show(loaded) {
      setAttributes(root, { hidden: loaded === undefined });
      if (loaded) setAttributes(root, { value: loaded.done, max: loaded.total });
    },
  };
}
