/** 6. In words: a prompt, drawn by the small pipeline that ships, with the guidance of the sliders and without any. */
import { button, scaleSlider } from '../drawing/controls.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { loadedText, loadingBar, status } from '../drawing/figure.ts';
import { batchRow, plainPlaces } from '../drawing/picture-row.ts';
import type { Page, Section } from '../page.ts';
import type { WordsRequest, WordsResult } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { longestPrompt, mostPromptScales, readPrompt, type State } from '../state.ts';
import { stepCount, wordsPictures } from '../study.ts';
import type { Loaded } from '../work/promised.ts';

/** The prompt, and the two rows of pictures. */
export const wordsSection: Section = (root, page) => {
  // Whether the reader has asked: nothing is loaded before.
  let asked = false;
  const ask = (part: Partial<State>, draws: boolean): void => {
    asked = draws;
    page.change(part);
  };
  const box = promptBox((prompt) => ask({ prompt: readPrompt(prompt) }, true));
  const stop = button('stop', 'prompt-stop', () => ask({}, false));
  box.root.append(stop);
  const sliders = scaleSliders(page);
  const rows = { alone: promptRow('no guidance', 'none'), guided: promptRow('guided', 'both') };
  const notes = element('p', { class: 'verdict', 'aria-live': 'polite' });
  const loading = loadingBar();
  const progress = status();
  root.append(box.root, sliders.root, rows.guided.root, rows.alone.root, notes, loading.root, progress.root);

  return () => {
    const state = page.state();
    const [g, s] = state.promptScales;
    box.show(state.prompt);
    sliders.show(state.promptScales);
    // What is looked at first is what the sliders say.
    const request = { prompt: state.prompt, seed: state.seed, guidanceScale: g, pagScale: s };
    const answers = asked ? askBoth(page, request) : [];
    const [guided, alone] = answers;
    rows.guided.show(guided);
    rows.alone.show(alone);
    setText(notes, notesOn(guided));
    const loaded = loadedOf(guided);
    loading.show(loaded);
    setAttributes(stop, { hidden: !answers.some(({ done }) => !done) });
    setAttributes(progress.root, { hidden: !asked });
    const what = loaded ? `loading the text model, ${loadedText(loaded)}` : `${wordsPictures} pictures, twice`;
    progress.show(answers.map(withoutLoading), 2 * stepCount, what);
  };
};

/** The prompt with the scales of the reader, and without guidance. */
function askBoth({ client }: Page, request: WordsRequest): readonly Answer<WordsResult>[] {
  return [client.words(request), client.words({ ...request, guidanceScale: 1, pagScale: 0 })];
}

function withoutLoading(answer: Answer<WordsResult>): Answer<WordsResult> {
  return { ...answer, results: answer.results.filter(({ kind }) => kind === 'step') };
}

/** How far the model is loaded; undefined before and behind. */
function loadedOf(answer: Answer<WordsResult> | undefined): Loaded | undefined {
  const latest = answer?.results.at(-1);
  return latest?.kind === 'loading' && !answer?.done ? latest : undefined;
}

function notesOn(answer: Answer<WordsResult> | undefined): string {
  const latest = answer?.results.at(-1);
  return latest?.kind === 'step' && latest.cut !== ''
    ? `The prompt is too long for the model; cut off is “${latest.cut}”.`
    : '';
}

/** A field and a button that draws. @param draw is told what the field says */
function promptBox(draw: (prompt: string) => void) {
  const field = element('input', {
    name: 'prompt',
    type: 'text',
    maxlength: longestPrompt,
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-label': 'what to draw, in words',
  });
  const root = element('form', { class: 'controls link prompt' }, field, element('button', { name: 'draw' }, 'draw'));
  root.addEventListener('submit', (event) => {
    event.preventDefault();
    draw(field.value);
  });
  return {
    root,
    show(prompt: string): void {
      if (document.activeElement !== field) field.value = prompt;
    },
  };
}

function scaleSliders(page: Page) {
  const [mostG, mostS] = mostPromptScales;
  const g = scaleSlider({ label: 'g of CFG', name: 'prompt-g', least: 1, most: mostG }, (value) =>
    page.change({ promptScales: [value, page.state().promptScales[1]] }),
  );
  const s = scaleSlider({ label: 's of PAG', name: 'prompt-s', most: mostS }, (value) =>
    page.change({ promptScales: [page.state().promptScales[0], value] }),
  );
  return {
    root: element('div', { class: 'controls' }, g.root, s.root),
    show([scale, pagScale]: State['promptScales']): void {
      g.show(scale);
      s.show(pagScale);
    },
  };
}

/** The pictures of one guidance. */
function promptRow(title: string, kind: string) {
  const row = batchRow(title, kind, plainPlaces(title, wordsPictures));
  return {
    root: row.root,
    show(answer: Answer<WordsResult> | undefined): void {
      const latest = answer?.results.at(-1);
      setAttributes(row.root, { hidden: answer === undefined });
      row.show(latest?.kind === 'step' ? latest.pictures : undefined, wordsPictures, answer?.done === true);
    },
  };
}
