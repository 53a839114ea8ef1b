/** 4. Turn the knob: growing scales from the same noise, CFG beside PAG, with a letter asked for and without. */
import { choice, slider } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes } from '../drawing/dom.ts';
import { captioned, status } from '../drawing/figure.ts';
import { asPicture, paint, pictureCanvas } from '../drawing/picture.ts';
import type { Section } from '../page.ts';
import type { GuidanceChoice, TraceRequest } from '../protocol.ts';
import { letterTrace, middleOf, pictureAt, sampleOf } from '../requests.ts';
import { largestScale } from '../state.ts';
import { labelOf, noLetter, side, stepCount } from '../study.ts';

/** The scales that are drawn side by side. */
const strip = [0, 0.5, 1, 2, 4, 10];

export const knobSection: Section = (root, page) => {
  const kinds: readonly {
    readonly name: 'pag' | 'cfg';
    readonly title: string;
    guidance(scale: number | readonly number[]): GuidanceChoice;
  }[] = [
    { name: 'pag', title: 'PAG', guidance: (scale) => ({ kind: 'pag', scale, layers: middleOf(page.model.layers) }) },
    // g = 1 + s: with s = 0 both are the model alone.
    {
      name: 'cfg',
      title: 'CFG',
      guidance: (scale) => ({ kind: 'cfg', scale: typeof scale === 'number' ? 1 + scale : scale.map((s) => 1 + s) }),
    },
  ];
  const rows = kinds.map(({ name, title, guidance }) => {
    const now = pictureCanvas(`drawn with ${title} at the chosen scale`);
    const thumbs = strip.map((scale) => {
      const canvas = pictureCanvas('');
      const key = element(
        'button',
        { type: 'button', class: 'letter', 'aria-label': `${title}, scale ${scale}` },
        canvas,
      );
      key.addEventListener('click', () => page.change({ scale }));
      return { scale, canvas, key };
    });
    const text = element('span', { class: 'number' });
    const big = captioned(now, element('b', { class: name }, title), ' ', text);
    big.dataset['guidance'] = name;
    const film = element(
      'div',
      { class: 'film labelled', 'data-strip': name },
      ...thumbs.map(({ scale, key }) => element('div', {}, key, element('span', {}, String(scale)))),
    );
    return { name, guidance, now, thumbs, text, big, film };
  });
  const knob = slider(
    { label: 's', name: 'scale', least: 0, most: largestScale, step: 0.25, text: (scale) => scale.toFixed(2) },
    (scale) => page.change({ scale }),
  );
  const asked = choice(
    'asked',
    'ask for',
    [
      ['yes', 'the letter'],
      ['no', 'no letter'],
    ],
    (value) => page.change({ asked: value === 'yes' }),
  );
  const progress = status();
  root.append(
    element('div', { class: 'controls above' }, knob.root, asked.root),
    element('div', { class: 'pair' }, ...rows.map(({ big }) => big)),
    ...rows.map(({ name, film }) =>
      element(
        'div',
        { class: 'strip-row' },
        element('span', { class: `row-title ${name}` }, name === 'pag' ? 'PAG' : 'CFG'),
        film,
      ),
    ),
    progress.root,
  );

  return () => {
    const state = page.state();
    const label = state.asked ? labelOf(state.word[state.letter]) : noLetter;
    knob.show(state.scale);
    asked.show(state.asked ? 'yes' : 'no');
    // First what the knob is at, then the rows.
    const single = rows.map(({ now, guidance, text, big, name }) => {
      const request = letterTrace(state, guidance(state.scale), label);
      const answer = page.lab.trace(request);
      const picture = pictureAt(request, answer, answer.results.length)!;
      paint(now, { width: side, height: side, values: picture.data }, asPicture);
      text.textContent = name === 'pag' ? `s = ${state.scale}` : `g = 1 + s = ${1 + state.scale}`;
      setAttributes(big, { 'data-steps': answer.results.length });
      showDigest(big, answer.done ? picture : undefined);
      return answer;
    });
    const many = rows.map(({ guidance, thumbs }) => {
      const one = letterTrace(state, guidance(strip), label);
      const request: TraceRequest = { ...one, slices: strip.map(() => one.slices[0]), labels: strip.map(() => label) };
      const answer = page.lab.trace(request);
      const batch = pictureAt(request, answer, answer.results.length)!;
      thumbs.forEach(({ scale, canvas, key }, i) => {
        paint(canvas, { width: side, height: side, values: sampleOf(batch, i).data }, asPicture);
        setAttributes(key, { 'aria-pressed': String(scale === state.scale) });
      });
      return answer;
    });
    progress.show([...single, ...many], 4 * stepCount, `2 letters at s = ${state.scale}, and ${2 * strip.length} more`);
  };
};
