/** One figure of the page by itself, as other pages embed it. */
import { element } from './dom.ts';

/**
 * Takes all from the page but a figure with its heading, the line that says what computes, and a link to the whole.
 * @param figure its place in the page
 */
export function showAlone(figure: HTMLElement): void {
  const main = document.querySelector('main');
  const engine = document.querySelector('[data-section="engine"]');
  const title = figure.closest('section')?.querySelector('h2')?.textContent ?? document.title;
  const whole = new URL(location.pathname, location.href).href;
  const from = element('p', { class: 'aside' }, element('a', { href: whole, target: '_top' }, document.title));
  document.documentElement.dataset['alone'] = '';
  document.querySelector('.skip')?.remove();
  main?.replaceChildren(element('h1', {}, title), figure, ...(engine && engine !== figure ? [engine] : []), from);
}
