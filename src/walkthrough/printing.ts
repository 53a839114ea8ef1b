/**
 * Paper shows every figure. A figure is computed when it is looked at, and nobody can wait for that while the browser
 * prints: so the keys that print, and the page's own button, first draw all of them. What is printed otherwise shows
 * what is known by then, and says of the rest how to get it.
 */
import { button } from './drawing/controls.ts';
import { element, setText } from './drawing/dom.ts';
import { printAll } from './drawing/figure.ts';
import { paintWaiting } from './drawing/turns.ts';
import type { Places } from './places.ts';

/** How often is looked whether all is drawn, in milliseconds. */
const patience = 200;

/** Makes the page ready for paper, whoever asks for it. */
export function preparePrinting(places: Places): void {
  let folded: readonly HTMLDetailsElement[] = [];
  addEventListener('beforeprint', () => {
    places.drawAll();
    paintWaiting();
    folded = [...document.querySelectorAll<HTMLDetailsElement>('details:is(.guess, .more):not([open])')];
    for (const fold of folded) fold.open = true;
  });
  addEventListener('afterprint', () => {
    for (const fold of folded) fold.open = false;
  });
  addEventListener(printAll, () => drawThenPrint(places));
  addEventListener('keydown', (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.key !== 'p') return;
    event.preventDefault();
    drawThenPrint(places);
  });
}

/** Draws all figures, wherever they are, says how far that is, and prints. */
function drawThenPrint(places: Places): void {
  if (document.querySelector('dialog.printing')) return;
  const said = element('p', { 'aria-live': 'polite' });
  const now = button('print as it is', 'print-now', () => end(true));
  const not = button('do not print', 'print-not', () => end(false));
  const box = element('div', { class: 'controls' }, now, not);
  const dialog = element('dialog', { class: 'printing' }, said, box);
  const release = places.holdNear();
  const look = (): void => {
    const [drawn, all] = figuresDrawn();
    setText(said, `Drawing for paper: ${drawn} of ${all} figures.`);
    if (drawn === all) end(true);
  };
  const timer = setInterval(look, patience);
  const end = (prints: boolean): void => {
    clearInterval(timer);
    dialog.remove();
    if (prints) print();
    release();
  };
  dialog.addEventListener('cancel', () => end(false));
  document.body.append(dialog);
  dialog.showModal();
  look();
}

/** How many of the figures that draw by themselves are done, and how many there are. */
function figuresDrawn(): readonly [number, number] {
  const lines = [...document.querySelectorAll<HTMLElement>('.stage .status:not([hidden])')];
  const open = lines.filter(({ dataset }) => ['waiting', 'computing'].includes(dataset['state'] ?? ''));
  return [lines.length - open.length, lines.length];
}
