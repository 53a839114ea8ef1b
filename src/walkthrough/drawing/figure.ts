/** Parts that most figures have. */
import type { Answer } from '../lab.ts';
import { element, setAttributes, setText } from './dom.ts';

/** A picture or control with a line of text below. */
export function captioned(content: Node, ...caption: readonly (Node | string)[]): HTMLElement {
  return element('figure', { class: 'captioned' }, content, element('figcaption', {}, ...caption));
}

export interface Status {
  readonly root: HTMLElement;
  /** Says how far the answers are, and what they took. */
  show(answers: readonly Answer<unknown>[], expected: number, what: string): void;
}

/** The line below a figure that says what was computed. */
export function status(): Status {
  const root = element('p', { class: 'status', 'data-state': 'waiting' });
  return {
    root,
    show(answers, expected, what) {
      const problem = answers.find((answer) => answer.problem !== undefined)?.problem;
      const done = answers.length > 0 && answers.every((answer) => answer.done);
      const results = answers.reduce((sum, answer) => sum + answer.results.length, 0);
      const seconds = answers.reduce((sum, answer) => sum + (answer.seconds ?? 0), 0);
      setAttributes(root, { 'data-state': problem !== undefined ? 'failed' : done ? 'done' : 'computing' });
      root.style.setProperty('--progress', String(done ? 1 : results / expected));
      if (problem !== undefined) setText(root, problem);
      else if (done) setText(root, `${what}: computed here in ${secondsText(seconds)}`);
      else setText(root, results === 0 ? `${what}: waiting for its turn` : `${what}: ${results} of ${expected}`);
    },
  };
}

/** `31 ms`, `0.62 s`, `12 s`. */
export function secondsText(seconds: number): string {
  if (seconds < 0.1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 10 ? `${seconds.toFixed(2)} s` : `${Math.round(seconds)} s`;
}
