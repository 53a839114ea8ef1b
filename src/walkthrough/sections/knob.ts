/** 4. Turn the knob: growing scales from the same noise, CFG beside PAG, with a letter asked for and without. */
import type { SamplingStep } from '../../sampling/sample.ts';
import { choice, scaleSlider } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes } from '../drawing/dom.ts';
import { captioned, status } from '../drawing/figure.ts';
import { labelledFilm, letterKey } from '../drawing/letter-key.ts';
import { paintLetter, pictureCanvas } from '../drawing/picture.ts';
import type { Page, Section } from '../page.ts';
import type { GuidanceChoice, RunRequest } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { cfgScale, latestPicture, letterRun, middlePag, sampleOf } from '../requests.ts';
import { largestScale, letterOf, type State } from '../state.ts';
import { labelOf, noLetter, stepCount } from '../study.ts';

/** The scales that are drawn side by side. */
const strip = [0, 0.5, 1, 2, 4, 10];

/** A guidance that goes s times its arrow beyond ε: with s = 0 it is the model alone. */
interface Kind {
  readonly name: 'pag' | 'cfg';
  readonly title: string;
  /** Its own name for such a scale, and the number that it gives it. */
  readonly symbol: string;
  scaleOf(s: number): number;
  guidance(s: number | readonly number[]): GuidanceChoice;
}

/** The letter at the scale of the knob, and at all of the strip, with PAG and with CFG. */
export const knobSection: Section = (root, page) => {
  const rows = kindsOf(page).map((kind) => ({
    kind,
    single: singlePicture(page, kind),
    film: scaleFilm(page, kind),
  }));
  const knob = scaleSlider(
    { label: 'beyond ε', name: 'scale', most: largestScale, text: (scale) => `${scale.toFixed(2)} arrows` },
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
    element('div', { class: 'pair' }, ...rows.map(({ single }) => single.root)),
    ...rows.map(({ kind, film }) =>
      element(
        'div',
        { class: 'strip-row' },
        element('span', { class: `row-title ${kind.name}` }, `${kind.title}, ${kind.symbol}\u00a0=`),
        film.root,
      ),
    ),
    progress.root,
  );

  return () => {
    const state = page.state();
    const label = state.asked ? labelOf(letterOf(state)) : noLetter;
    knob.show(state.scale);
    asked.show(state.asked ? 'yes' : 'no');
    // First what the knob is at, then the rows.
    const answers = [
      ...rows.map(({ single }) => single.show(state, label)),
      ...rows.map(({ film }) => film.show(state, label)),
    ];
    progress.show(answers, 4 * stepCount, `2 letters, and ${2 * strip.length} more`);
  };
};

function kindsOf({ model }: Page): readonly Kind[] {
  return [
    {
      name: 'pag',
      title: 'PAG',
      symbol: 's',
      scaleOf: (s) => s,
      guidance: (s) => middlePag(model.layers, s),
    },
    {
      name: 'cfg',
      title: 'CFG',
      symbol: 'g',
      scaleOf: cfgScale,
      guidance: (s) => ({ kind: 'cfg', scale: typeof s === 'number' ? cfgScale(s) : s.map(cfgScale) }),
    },
  ];
}

/** Draws letters of a class as far as they have come. */
interface KnobView {
  readonly root: HTMLElement;
  show(state: State, label: number): Answer<SamplingStep>;
}

/** The letter at the scale of the knob. */
function singlePicture(page: Page, { name, title, symbol, scaleOf, guidance }: Kind): KnobView {
  const canvas = pictureCanvas(`drawn with ${title} at the chosen scale`);
  const scale = element('span', { class: 'number' });
  const heading = element('b', { class: name }, title);
  const root = captioned(canvas, heading, ' ', scale);
  root.dataset['guidance'] = name;
  return {
    root,
    show(state, label) {
      const request = letterRun(state, guidance(state.scale), label);
      const answer = page.client.run(request);
      const picture = latestPicture(request, answer);
      paintLetter(canvas, picture.data);
      scale.textContent = `${symbol} = ${scaleOf(state.scale)}`;
      setAttributes(root, { 'data-steps': answer.results.length });
      showDigest(root, answer.done ? picture : undefined);
      return answer;
    },
  };
}

/** The letter at all scales of the strip. */
function scaleFilm(page: Page, { name, title, symbol, scaleOf, guidance }: Kind): KnobView {
  const keys = strip.map((scale) => ({
    scale,
    text: String(scaleOf(scale)),
    key: letterKey(`${title}, ${symbol} = ${scaleOf(scale)}`, () => page.change({ scale })),
  }));
  return {
    root: labelledFilm(
      keys.map(({ text, key }) => [key, text]),
      { 'data-strip': name },
    ),
    show(state, label) {
      const one = letterRun(state, guidance(strip), label);
      const request: RunRequest = {
        ...one,
        slices: strip.flatMap(() => one.slices),
        labels: strip.flatMap(() => one.labels),
      };
      const answer = page.client.run(request);
      const batch = latestPicture(request, answer);
      for (const [i, { scale, key }] of keys.entries()) {
        paintLetter(key.canvas, sampleOf(batch, i).data);
        setAttributes(key.root, { 'aria-pressed': String(scale === state.scale) });
      }
      return answer;
    },
  };
}
