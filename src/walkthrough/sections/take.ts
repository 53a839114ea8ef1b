/** 8. Take it with you: a link, the numbers, and the commands that give the same ones elsewhere. */
import { button, picker } from '../drawing/controls.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { download } from '../drawing/download.ts';
import { printButton, status } from '../drawing/figure.ts';
import { commandBox } from '../drawing/reproduction.ts';
import { writeSafetensors } from '../../formats/safetensors.ts';
import type { Page, Section } from '../page.ts';
import type { GuidanceChoice } from '../protocol.ts';
import { latestPicture, middlePag, usualScale, wordRun } from '../requests.ts';
import { writeState, type State } from '../state.ts';
import { stepCount } from '../study.ts';
import { noiseOf } from '../work/noise.ts';
import { pagOptions, wordCommand } from './commands.ts';

/** A run of the word that can be taken along. */
interface Take {
  readonly name: string;
  readonly title: string;
  readonly guidance: GuidanceChoice;
  /** Of `pag sample`. */
  readonly options: string;
}

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
  // The run whose animation the reader waits for.
  let filmed: Take | undefined;
  const rows = takes.map((take) => {
    const save = button(`${take.title}: safetensors`, `download-${take.name}`, () => saveNumbers(page, take));
    const film = button(`${take.title}: animation`, `animation-${take.name}`, () => {
      filmed = take;
      page.change({});
    });
    const command = commandBox(`command, ${take.title}`);
    return { take, savers: [save, film], command };
  });
  const embedding = embeddingOf(page);
  const progress = status();
  root.append(
    element('h3', {}, 'This page as you have set it'),
    link.root,
    element('h3', {}, 'On paper, with every figure'),
    printButton(),
    element('h3', {}, 'A single figure of it, for a page of yours'),
    ...embedding.parts,
    element('h3', {}, 'The runs of your word, every step of them'),
    element('div', { class: 'controls' }, ...rows.flatMap(({ savers }) => savers)),
    element('h3', {}, 'The same file, bit for bit, from the command line'),
    ...rows.map(({ command }) => command),
    progress.root,
  );

  return () => {
    const state = page.state();
    link.show(state);
    embedding.show(state);
    const answers = rows.map(({ take, savers, command }) => {
      const answer = page.client.run(wordRun(state, take.guidance));
      for (const save of savers) setAttributes(save, { disabled: !answer.done || answer.problem !== undefined });
      setText(command, wordCommand(state, take.options, fileName(state.word, state.seed, take.name)));
      return answer;
    });
    if (filmed && saveAnimation(page, filmed)) filmed = undefined;
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

function fileName(word: string, seed: number, name: string, ending = 'safetensors'): string {
  return `${word.toLowerCase()}-${seed}-${name}.${ending}`;
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
      setText(frame, `<iframe src="${source.replaceAll('&', '&amp;')}" width="800" height="600"></iframe>`);
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

/** The noise and every step of the run. */
function saveNumbers(page: Page, { guidance, name }: Take): void {
  const { word, seed } = page.state();
  const request = wordRun(page.state(), guidance);
  const answer = page.client.run(request);
  const steps = Object.fromEntries(answer.results.map(({ sample }, i) => [`step.${i}`, sample]));
  const bytes = writeSafetensors({ noise: noiseOf(request), ...steps, sample: latestPicture(request, answer) });
  download(bytes, 'application/octet-stream', fileName(word, seed, name));
}

/** Saves what the model believes in after each step, and the finished word at the end, once that is a file. */
function saveAnimation({ client, state }: Page, { guidance, name, title }: Take): boolean {
  const { word, seed } = state();
  const request = wordRun(state(), guidance);
  const answer = client.run(request);
  const beliefs = answer.results.flatMap(({ denoised }) => denoised ?? []);
  const pictures = [...beliefs, latestPicture(request, answer)];
  const [made] = client.film({ title, pictures }, JSON.stringify(request)).results;
  if (made) download(made.gif, 'image/gif', fileName(word, seed, name, 'gif'));
  return made !== undefined;
}
