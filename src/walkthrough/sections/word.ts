/** The reader's word, drawn twice from the same noise: as the model is, and with PAG. */
import { button } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { status } from '../drawing/figure.ts';
import { asPicture, paint, pictureCanvas } from '../drawing/picture.ts';
import type { Section } from '../page.ts';
import type { EngineReport, GuidanceChoice } from '../protocol.ts';
import { middleOf, pictureAt, sampleOf, usualScale, wordTrace } from '../requests.ts';
import { readWord } from '../state.ts';
import { longestWord, side, stepCount } from '../study.ts';

export const wordSection: Section = (root, page) => {
  const guidances: readonly { title: string; guidance: GuidanceChoice }[] = [
    { title: 'the model alone', guidance: { kind: 'none' } },
    { title: 'with PAG', guidance: { kind: 'pag', scale: usualScale, layers: middleOf(page.model.layers) } },
  ];
  const rows = guidances.map(({ title, guidance }) => {
    const letters = Array.from({ length: longestWord }, (_, letter) => {
      const canvas = pictureCanvas('');
      const key = element('button', { type: 'button', class: 'letter' }, canvas);
      key.addEventListener('click', () => page.change({ letter }));
      return { key, canvas };
    });
    const row = element(
      'div',
      { class: 'word-row', 'data-guidance': guidance.kind },
      element('span', { class: 'row-title' }, title),
      ...letters.map(({ key }) => key),
    );
    return { title, guidance, letters, row };
  });

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
  word.addEventListener('blur', () => (word.value = page.state().word));
  const another = button('other noise', 'noise', () => page.change({ seed: (page.state().seed + 1) % 2 ** 32 }));
  const seed = element('span', { class: 'seed' });
  const progress = status();
  const engine = element('p', { class: 'engine', role: 'status' });
  root.append(
    ...rows.map(({ row }) => row),
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
    const answers = rows.map(({ title, guidance, letters, row }) => {
      const request = wordTrace(state, guidance);
      const answer = page.lab.trace(request);
      const batch = pictureAt(request, answer, answer.results.length)!;
      letters.forEach(({ key, canvas }, i) => {
        const exists = i < state.word.length;
        setAttributes(key, {
          hidden: !exists,
          'aria-pressed': String(i === state.letter),
          'aria-label': exists ? `study the ${state.word[i]}, drawn ${title}` : undefined,
        });
        if (exists) paint(canvas, { width: side, height: side, values: sampleOf(batch, i).data }, asPicture);
      });
      row.style.setProperty('--letters', String(state.word.length));
      setAttributes(row, { 'data-steps': answer.results.length });
      showDigest(row, answer.done && !answer.problem ? batch : undefined);
      return answer;
    });
    const problem = page.lab.problem();
    setText(engine, problem === undefined ? engineText(page.lab.engine()) : `Nothing can be computed here: ${problem}`);
    setAttributes(engine, { 'data-problem': problem !== undefined });
    progress.show(answers, rows.length * stepCount, `${state.word.length} letters, twice, ${stepCount} steps each`);
  };
};

function engineText(engine: EngineReport | undefined): string {
  if (!engine) return 'Loading the model, 7.5 MB …';
  const kernels = engine.kernels === 'simd' ? 'WebAssembly SIMD' : 'plain loops';
  return `Computed with ${kernels} on ${engine.threads === 1 ? 'one thread' : `${engine.threads} threads`}. ${engine.note ?? ''}`;
}
