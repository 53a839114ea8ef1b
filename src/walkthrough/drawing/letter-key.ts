/** A small picture that can be chosen. */
import { element } from './dom.ts';
import { pictureCanvas } from './picture.ts';

/** A button with a picture on it. */
export interface LetterKey {
  readonly root: HTMLButtonElement;
  readonly canvas: HTMLCanvasElement;
}

/**
 * @param label what it chooses; none where that changes
 * @param pressed is called when it is
 * @param canvas the picture, which is for the eye only unless it says what it is
 */
export function letterKey(label: string | undefined, pressed: () => void, canvas = pictureCanvas('')): LetterKey {
  const root = element('button', { type: 'button', class: 'letter', 'aria-label': label }, canvas);
  root.addEventListener('click', pressed);
  return { root, canvas };
}

/** Keys side by side, with a text below each. */
export function labelledFilm(
  keys: readonly (readonly [LetterKey, string])[],
  attributes: Readonly<Record<string, string>> = {},
): HTMLElement {
  const labelled = keys.map(([{ root }, text]) => element('div', {}, root, element('span', {}, text)));
  return element('div', { class: 'film labelled', ...attributes }, ...labelled);
}
