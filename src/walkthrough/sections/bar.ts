/** The bar that stays in view: where one is, word and noise, which letter is under study, and at which step. */
import { picker, stepSlider } from '../drawing/controls.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { networkMap } from '../drawing/network-map.ts';
import { seedButton, wordField } from '../drawing/run-controls.ts';
import type { Section } from '../page.ts';
import { longestWord, stepCount } from '../study.ts';

/** Goes to a heading, the keyboard too. */
function goToHeading(id: string): void {
  const heading = document.getElementById(id);
  if (!heading) return;
  setAttributes(heading, { tabindex: -1 });
  heading.focus({ preventScroll: true });
  heading.scrollIntoView();
}

/**
 * Opens a list by an arrow key, which would choose from it while it is closed: here, lead away at the first press.
 * Browsers in which no script opens a list open it themselves, or choose.
 */
function openByArrow(event: KeyboardEvent): void {
  const { target, key } = event;
  if (!(target instanceof HTMLSelectElement) || event.altKey || (key !== 'ArrowDown' && key !== 'ArrowUp')) return;
  if (!('showPicker' in target)) return;
  event.preventDefault();
  target.showPicker();
}

/** Contents, the map of the network, word, letters, noise and step. */
export const barSection: Section = (root, page) => {
  const headings = [...document.querySelectorAll<HTMLElement>('main h2')];
  const contents = picker(
    'contents',
    'go to',
    [['', '☰\u2003contents'], ...headings.map(({ id, textContent }): [string, string] => [id, textContent])],
    (id) => {
      contents.show('');
      goToHeading(id);
    },
  );
  contents.root.addEventListener('keydown', openByArrow);
  const letters = Array.from({ length: longestWord }, (_, letter) => {
    const key = element('button', { type: 'button', class: 'bar-letter', name: `bar-letter-${letter}`, hidden: true });
    key.addEventListener('click', () => page.change({ letter }));
    return key;
  });
  const word = wordField(page, 'bar-word');
  const noise = seedButton(page);
  const steps = stepSlider('bar-step', stepCount, (step) => page.change({ step }));
  steps.root.title = 'the step of all sections; until you move it, each opens at its own';
  const map = networkMap(page.model, (path) => {
    page.change({ layer: page.model.layers.indexOf(path), head: 0 });
    document.querySelector('[data-section="attention"]')?.scrollIntoView();
  });
  root.append(
    contents.root,
    map.root,
    word.root,
    element('div', { class: 'bar-letters', role: 'group', 'aria-label': 'the letter under study' }, ...letters),
    noise.root,
    steps.root,
  );

  return () => {
    const { word: text, letter } = page.state();
    word.show();
    noise.show();
    for (const [i, key] of letters.entries()) {
      setAttributes(key, { hidden: i >= text.length, 'aria-pressed': String(i === letter) });
      setText(key, text.charAt(i));
    }
    steps.show(page.step());
    map.show(page.part());
  };
};
