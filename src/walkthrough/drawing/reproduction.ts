/** Below a figure, folded: the command that computes the same elsewhere, to the last bit, or why there is none. */
import type { Page, Reproduction, ReproductionOf } from '../page.ts';
import { button } from './controls.ts';
import { element, setAttributes, setText } from './dom.ts';
import { download } from './download.ts';

/**
 * What draws a figure and, where the reader has unfolded it, the command below it.
 * @param root the figure, to which it is added
 * @param draw what draws the figure
 */
export function withReproduction(root: HTMLElement, page: Page, reproduce: ReproductionOf, draw: () => void) {
  const note = element('p', {});
  const where = inRepository();
  const commands = element('div', {});
  const save = button('save what it reads', 'save-input', () => {
    const input = reproduce(page).input?.();
    if (input) download(input.bytes, 'application/octet-stream', input.name);
  });
  save.hidden = true;
  const fold = element(
    'details',
    { class: 'reproduce' },
    element('summary', {}, 'The command that draws this'),
    note,
    where,
    save,
    commands,
  );
  fold.addEventListener('toggle', () => page.change({}));
  root.append(fold);
  return (): void => {
    draw();
    if (!fold.open) return;
    const { note: said, commands: lines, input } = reproduce(page);
    const file = input?.();
    setText(note, said);
    where.hidden = lines.length === 0;
    setText(save, file ? `save ${file.name}` : 'what it reads is not drawn yet');
    setAttributes(save, { hidden: input === undefined, disabled: file === undefined });
    showCommands(commands, lines);
  };
}

/** Each in its box, to be copied. */
function showCommands(root: HTMLElement, lines: Reproduction['commands']): void {
  for (const [i, line] of lines.entries()) showCommand(root.children[i] ?? root.appendChild(commandBox()), line);
  while (root.children.length > lines.length) root.lastElementChild?.remove();
}

/** Where commands run; what that is and how it is set up, the page says once. */
function inRepository(): HTMLElement {
  const place = 'repository';
  const here = document.getElementById(place) ? '' : 'index.html';
  return element('p', {}, 'In a clone of ', element('a', { href: `${here}#${place}` }, 'the repository'), ':');
}

/** A box for a command, or for whatever is to be copied. @param label what stands in it */
export function commandBox(label = 'command'): HTMLElement {
  return element('code', { class: 'command', tabindex: 0, role: 'group', 'aria-label': label });
}

/** Puts a line into its box, which breaks it between words only. */
export function showCommand(box: Element, line: string): void {
  if (box.textContent === line) return;
  box.replaceChildren(...line.split(' ').flatMap((word, i) => [i === 0 ? '' : ' ', element('span', {}, word)]));
}
