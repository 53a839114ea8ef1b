/** 8. Take it with you: a link, the numbers, and the commands that give the same ones elsewhere. */
import { button } from '../drawing/controls.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { status } from '../drawing/figure.ts';
import { writeSafetensors } from '../../formats/safetensors.ts';
import type { Page, Section } from '../page.ts';
import type { GuidanceChoice } from '../protocol.ts';
import { latestPicture, middleOf, usualScale, wordRun } from '../requests.ts';
import { writeState } from '../state.ts';
import { stepCount } from '../study.ts';
import { noiseOf } from '../work/noise.ts';
import { wordCommand } from './commands.ts';

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
      guidance: { kind: 'pag', scale: usualScale, layers: middleOf(page.model.layers) },
      options: ` --guidance pag --pag-scale ${usualScale}`,
    },
  ];
  const link = element('input', {
    type: 'text',
    readonly: true,
    name: 'link',
    'aria-label': 'the link to what you see',
  });
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
  const rows = takes.map((take) => {
    const save = button(`${take.title}: safetensors`, `download-${take.name}`, () => download(page, take));
    const command = element('code', { class: 'command', tabindex: 0 });
    return { take, save, command };
  });
  const progress = status();
  root.append(
    element('h3', {}, 'This page as you have set it'),
    element('div', { class: 'controls link' }, link, copy),
    element('h3', {}, 'The runs of your word, every step of them'),
    element('div', { class: 'controls' }, ...rows.map(({ save }) => save)),
    element('h3', {}, 'The same file, bit for bit, from the command line'),
    element(
      'p',
      {},
      'The model of this page, whose weights are rounded to half precision, is made by ',
      element('code', {}, 'npm run build:walkthrough'),
      '.',
    ),
    ...rows.map(({ command }) => command),
    progress.root,
  );

  return () => {
    const state = page.state();
    link.value = `${location.origin}${location.pathname}#${writeState(state)}`;
    setText(copy, 'copy');
    const answers = rows.map(({ take, save, command }) => {
      const answer = page.client.run(wordRun(state, take.guidance));
      setAttributes(save, { disabled: !answer.done || answer.problem !== undefined });
      setText(command, wordCommand(state, take.options, fileName(state.word, state.seed, take.name)));
      return answer;
    });
    progress.show(answers, 2 * stepCount, 'the runs of your word');
  };
};

function fileName(word: string, seed: number, name: string): string {
  return `${word.toLowerCase()}-${seed}-${name}.safetensors`;
}

function download(page: Page, { guidance, name }: Take): void {
  const state = page.state();
  const request = wordRun(state, guidance);
  const answer = page.client.run(request);
  const steps = Object.fromEntries(answer.results.map(({ sample }, i) => [`step.${i}`, sample]));
  const bytes = writeSafetensors({ noise: noiseOf(request), ...steps, sample: latestPicture(request, answer) });
  const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' }));
  element('a', { href: url, download: fileName(state.word, state.seed, name) }).click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
