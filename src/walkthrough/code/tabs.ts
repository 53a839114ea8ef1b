/** Several functions in one place: a row of tabs, and below it the function that is chosen. */
import { element, setAttributes } from '../drawing/dom.ts';
import type { Excerpt } from './excerpts.ts';
import { codeView } from './view.ts';

interface Tab {
  readonly id: string;
  readonly button: HTMLButtonElement;
  readonly view: HTMLElement;
}

/** What an arrow key adds to the place of the chosen tab. */
const moves = new Map([
  ['ArrowRight', 1],
  ['ArrowLeft', -1],
]);

/** @param excerpts the first of which is open at first */
export function codeTabs(excerpts: readonly Excerpt[]): { readonly tabs: HTMLElement; readonly panel: HTMLElement } {
  const panel = element('div', { role: 'tabpanel', id: 'code-panel' });
  const views = excerpts.map((excerpt): Tab => {
    const button = element(
      'button',
      { type: 'button', role: 'tab', id: `tab-${excerpt.id}`, 'aria-controls': 'code-panel' },
      excerpt.title,
    );
    return { id: excerpt.id, button, view: codeView(excerpt) };
  });
  const open = (chosen: Tab): void => {
    for (const tab of views)
      setAttributes(tab.button, { 'aria-selected': String(tab === chosen), tabindex: tab === chosen ? 0 : -1 });
    panel.replaceChildren(chosen.view);
    setAttributes(panel, { 'aria-labelledby': `tab-${chosen.id}` });
  };
  for (const tab of views) tab.button.addEventListener('click', () => open(tab));
  const tabs = element(
    'div',
    { role: 'tablist', class: 'tabs', 'aria-label': 'the functions that run' },
    ...views.map(({ button }) => button),
  );
  tabs.addEventListener('keydown', (event) => {
    const move = moves.get(event.key);
    const at = views.findIndex(({ button }) => button === document.activeElement);
    if (move === undefined || at < 0) return;
    event.preventDefault();
    const next = views.at((at + move) % views.length);
    if (!next) return;
    open(next);
    next.button.focus();
  });
  const [first] = views;
  if (first) open(first);
  return { tabs, panel };
}
