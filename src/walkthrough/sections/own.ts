/** A letter of the reader's own: buried in noise, and finished by the model alone and with PAG. */
import type { SamplingStep } from '../../sampling/sample.ts';
import { button, slider } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setText } from '../drawing/dom.ts';
import { captioned, status } from '../drawing/figure.ts';
import { inkPad } from '../drawing/ink-pad.ts';
import { paintLetter, pictureCanvas } from '../drawing/picture.ts';
import type { Page, Section } from '../page.ts';
import type { GuidanceChoice, RunRequest } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { remembered } from '../remembered.ts';
import { middlePag, usualScaleText } from '../requests.ts';
import { burialRange, type State } from '../state.ts';
import { noLetter, stepCount } from '../study.ts';
import { noiseOf } from '../work/noise.ts';
import { blank, pictureOf } from '../work/own.ts';

/** Of all noises of the seed, that which buries the letter. */
const slices = [0];

/** The paper, the buried letter, and what both make of it. */
export const ownSection: Section = (root, page) => {
  const paper = inkPad(
    'a letter',
    () => page.state().own,
    (own) => page.change({ own }),
  );
  const buried = pictureCanvas('your letter, buried in noise');
  const ends = {
    alone: pictureCanvas('your letter, finished by the model alone'),
    guided: pictureCanvas('your letter, finished with PAG'),
  };
  const level = element('span', { class: 'number' });
  const burial = slider(
    { label: 'noise', name: 'burial', least: burialRange[0], most: burialRange[1], step: 1, text: stepsText },
    (steps) => page.change({ burial: steps }),
  );
  const progress = status();
  root.append(
    element(
      'div',
      { class: 'quadruple' },
      captioned(paper.root, 'Yours: draw'),
      captioned(buried, 'buried: ', level),
      captioned(ends.alone, 'finished by the model alone'),
      captioned(ends.guided, 'finished with ', element('b', { class: 'pag' }, 'PAG'), `, ${usualScaleText}`),
    ),
    element(
      'div',
      { class: 'controls' },
      button('blank paper', 'blank', () => page.change({ own: blank })),
      paper.rubber,
      burial.root,
    ),
    progress.root,
  );
  const pictureOnce = remembered(pictureOf);

  return () => {
    const state = page.state();
    const { scheduler, layers } = page.model;
    const begin = stepCount - state.burial;
    const picture = pictureOnce(state.own);
    const { signal, noise } = scheduler.levelAt(begin);
    burial.show(state.burial);
    setText(level, `${signal.toFixed(2)} × letter + ${noise.toFixed(2)} × noise`);
    paintLetter(paper.canvas, picture.data);
    paintLetter(buried, scheduler.addNoise(picture, noiseOf({ seed: state.seed, slices }), begin).data);
    const alone = finish(page, state, { kind: 'none' });
    const guided = finish(page, state, middlePag(layers));
    paintLetter(ends.alone, latest(alone));
    paintLetter(ends.guided, latest(guided));
    showDigest(root, guided.done ? guided.results.at(-1)?.sample : undefined);
    progress.show([alone, guided], 2 * state.burial, 'your letter, finished twice');
  };
};

function stepsText(steps: number): string {
  return `${steps} of ${stepCount} steps`;
}

/** The steps that are left, from the buried letter on; nobody says which letter it is. */
function finish({ client }: Page, { seed, own, burial }: State, guidance: GuidanceChoice): Answer<SamplingStep> {
  const request: RunRequest = { seed, slices, labels: [noLetter], guidance, from: { own, steps: burial } };
  return client.run(request);
}

/** What the run believes in by now, and in the end what it has drawn. */
function latest({ results, done }: Answer<SamplingStep>): ArrayLike<number> | undefined {
  const step = results.at(-1);
  return (done ? step?.sample : step?.denoised)?.data;
}
