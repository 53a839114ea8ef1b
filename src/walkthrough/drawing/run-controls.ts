/** What a reader chooses wherever it is at hand: the word that is drawn, and the noise that it is drawn from. */
import type { Page } from '../page.ts';
import { readWord } from '../state.ts';
import { longestWord } from '../study.ts';
import { button } from './controls.ts';
import { element, setText } from './dom.ts';

/** The field for the word. */
export interface WordField {
  readonly root: HTMLInputElement;
  /** Says which word is drawn, unless the reader is typing another. */
  show(): void;
}

/** @param name of the input, for scripts and tests */
export function wordField(page: Page, name: string): WordField {
  const root = element('input', {
    name,
    type: 'text',
    maxlength: longestWord,
    autocapitalize: 'characters',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-label': `the word to draw, up to ${longestWord} letters`,
  });
  root.addEventListener('input', () => {
    const letters = readWord(root.value);
    if (letters !== undefined) page.change({ word: letters });
  });
  root.addEventListener('blur', () => {
    root.value = page.state().word;
  });
  return {
    root,
    show() {
      if (document.activeElement !== root) root.value = page.state().word;
    },
  };
}

/** A button that takes the next seed. @param text what stands on it */
export function noiseButton(page: Page, name: string, text: string): HTMLButtonElement {
  return button(text, name, () => page.change({ seed: (page.state().seed + 1) % 2 ** 32 }));
}

/** The same with the seed on it, for the bar. */
export function seedButton(page: Page): { readonly root: HTMLButtonElement; show(): void } {
  const root = noiseButton(page, 'bar-noise', '');
  const seed = element('span', { class: 'number' });
  root.classList.add('bar-noise');
  root.title = 'other noise';
  root.append('↻', element('span', {}, ' noise ', seed));
  return { root, show: () => setText(seed, String(page.state().seed)) };
}
