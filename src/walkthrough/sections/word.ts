/** The reader's word, drawn twice from the same noise: as the model is, and with PAG. */
import type { SamplingStep } from '../../sampling/sample.ts';
import { button } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { status } from '../drawing/figure.ts';
import { letterKey } from '../drawing/letter-key.ts';
import { paintLetter } from '../drawing/picture.ts';
import type { Page, Section } from '../page.ts';
import type { EngineReport, GuidanceChoice } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { latestPicture, middleOf, sampleOf, usualScale, wordRun } from '../requests.ts';
import { readWord, type State } from '../state.ts';
import { longestWord, stepCount } from '../study.ts';

/** The two rows of letters, the field for the word, and what computes them. */
export const wordSection: Section = (root, page) => {
  const rows = [
    wordRow(page, 'the model alone', { kind: 'none' }),
    wordRow(page, 'with PAG', { kind: 'pag', scale: usualScale, layers: middleOf(page.model.layers) }),
  ];
  const word = wordInput(page);
  const another = button('other noise', 'noise', () => page.change({ seed: (page.state().seed + 1) % 2 ** 32 }));
  const seed = element('span', { class: 'seed' });
  const progress = status();
  const engine = element('p', { class: 'engine', role: 'status' });
  root.append(
    ...rows.map((row) => row.root),
    element(
      'div',
      { class: 'controls' },
      element('label', { class: 'field' }, element('span', {}, 'Type a word'), word),
      another,
      seed,
    ),
    progress.root,
    engine,
  );

  return () => {
    const state = page.state();
    if (document.activeElement !== word) word.value = state.word;
    seed.textContent = `seed ${state.seed}`;
    const answers = rows.map((row) => row.show(state));
    const problem = page.client.problem();
    const computes = engineText(page.client.engine());
    setText(engine, problem === undefined ? computes : `Nothing can be computed here: ${problem}`);
    setAttributes(engine, { 'data-problem': problem !== undefined });
    progress.show(answers, rows.length * stepCount, `${state.word.length} letters, twice, ${stepCount} steps each`);
  };
};

interface WordRow {
  readonly root: HTMLElement;
  /** Draws the word as far as it has come. */
  show(state: State): Answer<SamplingStep>;
}

/** The word with one guidance; a letter that is pressed becomes the one under study. */
function wordRow(page: Page, title: string, guidance: GuidanceChoice): WordRow {
  const letters = Array.from({ length: longestWord }, (_, letter) =>
    letterKey(undefined, () => page.change({ letter })),
  );
  const root = element(
    'div',
    { class: 'word-row', 'data-guidance': guidance.kind },
    element('span', { class: 'row-title' }, title),
    ...letters.map((key) => key.root),
  );
  return {
    root,
    show(state) {
      const request = wordRun(state, guidance);
      const answer = page.client.run(request);
      const batch = latestPicture(request, answer);
      for (const [i, { root: key, canvas }] of letters.entries()) {
        const exists = i < state.word.length;
        setAttributes(key, {
          hidden: !exists,
          'aria-pressed': String(i === state.letter),
          'aria-label': exists ? `study the ${state.word.charAt(i)}, drawn ${title}` : undefined,
        });
        if (exists) paintLetter(canvas, sampleOf(batch, i).data);
      }
      root.style.setProperty('--letters', String(state.word.length));
      setAttributes(root, { 'data-steps': answer.results.length });
      showDigest(root, answer.done && !answer.problem ? batch : undefined);
      return answer;
    },
  };
}

function wordInput(page: Page): HTMLInputElement {
  const word = element('input', {
    name: 'word',
    type: 'text',
    maxlength: longestWord,
    autocapitalize: 'characters',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-label': `the word to draw, up to ${longestWord} letters`,
  });
  word.addEventListener('input', () => {
    const letters = readWord(word.value);
    if (letters !== undefined) page.change({ word: letters });
  });
  word.addEventListener('blur', () => {
    word.value = page.state().word;
  });
  return word;
}

function engineText(engine: EngineReport | undefined): string {
  if (!engine) return 'Loading the model, 7.5 MB …';
  const kernels = engine.kernels === 'simd' ? 'WebAssembly SIMD' : 'plain loops';
  const threads = engine.threads === 1 ? 'one thread' : `${engine.threads} threads`;
  return `Computed with ${kernels} on ${threads}. ${engine.note ?? ''}`;
}
