/** 8. Take it with you: a link, the numbers, and the commands that give the same ones elsewhere. */
import { button, picker } from '../drawing/controls.ts';
import { element, setText } from '../drawing/dom.ts';
import { printButton, status } from '../drawing/figure.ts';
import { commandBox, showCommand } from '../drawing/reproduction.ts';
import type { Page, Section } from '../page.ts';
import { middlePag, usualScale, wordRun } from '../requests.ts';
import { writeState, type State } from '../state.ts';
import { stepCount } from '../study.ts';
import { pagOptions, wordCommand } from './commands.ts';
import { fileName, runSaver, type Take } from './take-run.ts';

/** The link, the downloads, and the commands. */
export const takeSection: Section = (root, page) => {
  const takes: readonly Take[] = [
    { name: 'alone', title: 'the model alone', guidance: { kind: 'none' }, options: '' },
    {
      name: 'pag',
      title: 'with PAG',
      guidance: middlePag(page.model.layers),
      options: pagOptions(usualScale),
    },
  ];
  const link = linkBox();
  const rows = takes.map((take) => ({
    take,
    saver: runSaver(page, take),
    command: commandBox(`command, ${take.title}`),
  }));
  const embedding = embeddingOf(page);
  const progress = status();
  root.append(
    element('h3', {}, 'This page as you have set it'),
    link.root,
    element('h3', {}, 'On paper, with every figure'),
    printButton(),
    element('h3', {}, 'A single figure of it, for a page of yours'),
    ...embedding.parts,
    element('h3', {}, 'The runs of your word: the numbers of every step, and how the letters come about'),
    ...rows.map(({ saver }) => saver.root),
    element('h3', {}, 'The same numbers, bit for bit, from the command line'),
    ...rows.map(({ command }) => command),
    progress.root,
  );

  return () => {
    const state = page.state();
    link.show(state);
    embedding.show(state);
    const answers = rows.flatMap(({ take, saver, command }) => {
      const answer = page.client.run(wordRun(state, take.guidance));
      showCommand(command, wordCommand(state, take.options, fileName(state, take.name, 'safetensors')));
      return [answer, ...saver.show(answer)];
    });
    progress.show(answers, 2 * stepCount, 'the runs of your word');
  };
};

/** The link to the page with its state, and a button that copies it. */
function linkBox(): { readonly root: HTMLElement; show(state: State): void } {
  const label = 'the link to what you see';
  const link = element('input', { type: 'text', readonly: true, name: 'link', 'aria-label': label });
  link.addEventListener('focus', () => link.select());
  const copy = button(
    'copy',
    'copy',
    () =>
      void navigator.clipboard?.writeText(link.value).then(
        () => setText(copy, 'copied'),
        () => link.select(),
      ),
  );
  return {
    root: element('div', { class: 'controls link' }, link, copy),
    show(state) {
      link.value = `${location.origin}${location.pathname}#${writeState(state)}`;
      setText(copy, 'copy');
    },
  };
}

/** What another page embeds one of the figures with. */
function embeddingOf(page: Page): { readonly parts: readonly HTMLElement[]; show(state: State): void } {
  // Which figure it is, is no part of the state: it is asked for here, and used elsewhere.
  let chosen = 'hero';
  const figure = picker('figure', 'figure', figuresHere(), (name) => {
    chosen = name;
    page.change({});
  });
  const frame = commandBox('what embeds the figure');
  return {
    parts: [element('div', { class: 'controls' }, figure.root), frame],
    show(state) {
      figure.show(chosen);
      const source = `${location.origin}${location.pathname}?figure=${chosen}#${writeState(state)}`;
      showCommand(frame, `<iframe src="${source.replaceAll('&', '&amp;')}" width="800" height="600"></iframe>`);
    },
  };
}

/** The figures of this page by their names, with the heading that each stands under. */
function figuresHere(): readonly (readonly [string, string])[] {
  return [...document.querySelectorAll<HTMLElement>('.stage[data-section]')].map((stage) => {
    const name = stage.dataset['section'] ?? '';
    const heading = stage.closest('section')?.querySelector('h2')?.textContent ?? document.title;
    return [name, `${name}: ${heading}`];
  });
}
