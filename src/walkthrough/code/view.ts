/** A function as it stands in the source, with formulas beside its lines. */
import { present } from '../checked.ts';
import { element, formula } from '../drawing/dom.ts';
import { excerpts, type Excerpt } from './excerpts.ts';

/** The text of each excerpt by its id; the build puts it here. */
declare const SOURCES: Readonly<Record<string, string>>;

/** The code with a formula beside each line that has one. */
export function codeView({ id, file, name, formulas }: Excerpt): HTMLElement {
  const source = present(SOURCES[id], `source of "${id}"`);
  const lines = source.split('\n').map((line) => {
    const beside = formulas.find(([text]) => line.includes(text))?.[1];
    return element(
      'div',
      { class: beside === undefined ? 'line' : 'line marked' },
      element('span', { class: 'beside' }, ...(beside === undefined ? [] : [formula(beside)])),
      element('code', { class: isComment(line) ? 'comment' : undefined }, line === '' ? ' ' : line),
    );
  });
  return element(
    'div',
    { class: 'code', 'data-excerpt': id, tabindex: 0, role: 'group', 'aria-label': `${name}, from ${file}` },
    element('p', { class: 'file' }, file),
    element('div', { class: 'lines' }, ...lines),
  );
}

function isComment(line: string): boolean {
  return /^\s*(?:\/\*\*|\*|\/\/)/.test(line);
}

/** Fills every `<details data-code="id id …">` of the page when it is first opened. */
export function fillDetails(root: ParentNode): void {
  for (const details of root.querySelectorAll<HTMLDetailsElement>('details[data-code]')) {
    details.addEventListener(
      'toggle',
      () => {
        const ids = (details.dataset['code'] ?? '').split(' ');
        const wanted = ids.map((id) =>
          present(
            excerpts.find((excerpt) => excerpt.id === id),
            `excerpt "${id}"`,
          ),
        );
        details.append(...wanted.map(codeView));
      },
      { once: true },
    );
  }
}
