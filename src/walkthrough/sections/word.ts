/** The reader's word, drawn twice from the same noise: as the model is, and with PAG. */
import type { SamplingStep } from '../../sampling/sample.ts';
import { element, setAttributes } from '../drawing/dom.ts';
import { status } from '../drawing/figure.ts';
import { letterKey } from '../drawing/letter-key.ts';
import { pictureRow } from '../drawing/picture-row.ts';
import { wordField } from '../drawing/run-controls.ts';
import type { Page, Section } from '../page.ts';
import type { GuidanceChoice } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { middlePag, usualScaleText, wordRun } from '../requests.ts';
import type { State } from '../state.ts';
import { longestWord, stepCount } from '../study.ts';

/** The two rows of letters, and the field for the word. */
export const wordSection: Section = (root, page) => {
  const rows = [
    wordRow(page, 'the model alone', { kind: 'none' }),
    wordRow(page, `with PAG, ${usualScaleText}`, middlePag(page.model.layers)),
  ];
  const word = wordField(page, 'word');
  const progress = status();
  root.append(
    ...rows.map((row) => row.root),
    element(
      'div',
      { class: 'controls' },
      element('label', { class: 'field' }, element('span', {}, 'Type a word'), word.root),
    ),
    progress.root,
  );

  return () => {
    const state = page.state();
    word.show();
    const answers = rows.map((row) => row.show(state));
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
  const row = pictureRow(title, guidance.kind, letters);
  return {
    root: row.root,
    show(state) {
      const request = wordRun(state, guidance);
      const answer = page.client.run(request);
      row.show(request, answer);
      for (const [i, { root }] of letters.entries()) {
        setAttributes(root, {
          'aria-pressed': String(i === state.letter),
          'aria-label': i < state.word.length ? `study the ${state.word.charAt(i)}, drawn ${title}` : undefined,
        });
      }
      return answer;
    },
  };
}
