/** The bar that stays in view: where one is, which letter is under study, and at which step. */
import { picker, stepSlider } from '../drawing/controls.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { networkMap } from '../drawing/network-map.ts';
import type { Section } from '../page.ts';
import { longestWord, stepCount } from '../study.ts';

/** Contents, the map of the network, letters and step. */
export const barSection: Section = (root, page) => {
  const headings = [...document.querySelectorAll<HTMLElement>('main h2')];
  const contents = picker(
    'contents',
    'go to',
    [['', 'contents'], ...headings.map(({ id, textContent }): [string, string] => [id, textContent])],
    (id) => {
      document.getElementById(id)?.scrollIntoView();
      contents.show('');
    },
  );
  const letters = Array.from({ length: longestWord }, (_, letter) => {
    const key = element('button', { type: 'button', class: 'bar-letter', name: `bar-letter-${letter}`, hidden: true });
    key.addEventListener('click', () => page.change({ letter }));
    return key;
  });
  const steps = stepSlider('bar-step', stepCount, (step) => page.change({ step }));
  const map = networkMap(page.model, (path) => {
    page.change({ layer: page.model.layers.indexOf(path), head: 0 });
    document.querySelector('[data-section="attention"]')?.scrollIntoView();
  });
  root.append(
    contents.root,
    map.root,
    element('div', { class: 'bar-letters', role: 'group', 'aria-label': 'the letter under study' }, ...letters),
    steps.root,
  );

  return () => {
    const { word, letter, step } = page.state();
    for (const [i, key] of letters.entries()) {
      setAttributes(key, { hidden: i >= word.length, 'aria-pressed': String(i === letter) });
      setText(key, word.charAt(i));
    }
    steps.show(step);
    map.show(page.part());
  };
};
