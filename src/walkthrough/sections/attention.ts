/** 2. Where structure lives: what a pixel attends to, and what is left when it cannot. */
import type { Tensor } from '../../tensor/tensor.ts';
import { present } from '../checked.ts';
import { choice, picker, slider, stepSlider } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setText, symbol } from '../drawing/dom.ts';
import { captioned, secondsText, status } from '../drawing/figure.ts';
import { coloursOf, headView } from '../drawing/head-view.ts';
import { outlined } from '../drawing/outline.ts';
import { paintLetter, pictureCanvas } from '../drawing/picture.ts';
import { pickPixel } from '../drawing/pixel-picker.ts';
import { spectrumView } from '../drawing/spectrum-view.ts';
import type { Page, Section } from '../page.ts';
import type { PassesResult } from '../protocol.ts';
import { rememberedLater } from '../remembered.ts';
import { studyStep, type Study } from '../requests.ts';
import type { State } from '../state.ts';
import { side, stepCount } from '../study.ts';
import { headOf, tokenAt } from '../work/attention.ts';
import { gridOf, headsOf, plainName } from '../work/layers.ts';
import { bandsLeft } from '../work/spectrum.ts';

/** x̂₀ with a pixel that asks; one head of one layer, as it is and with the identity. */
export const attentionSection: Section = (root, page) => {
  const controls = headControls(page);
  const belief = beliefView(page);
  const heads = headView();
  const sizes = spectrumView();
  const progress = status();
  const again = (): void => page.change({});
  const lostIn = rememberedLater(
    (result: PassesResult, picture: Tensor, index: number) => lost(page, picture, result, index),
    again,
  );
  const headIn = rememberedLater((result: PassesResult, path: string, head: number) => {
    const seen = headOf(result, path, head);
    return { seen, colours: coloursOf(seen) };
  }, again);
  root.append(
    controls.root,
    element('div', { class: 'attention' }, belief.root, ...heads.columns),
    heads.strip,
    captioned(
      sizes.root,
      'How much power is left of each size of detail in ',
      symbol('x̂', '0'),
      ' with the identity in ',
      element('b', { class: 'spoilt' }, 'this layer'),
      ', and in all of them (broken line).',
    ),
    progress.root,
  );

  return () => {
    const state = page.state();
    const chosen = chosenHead(page);
    const study = studyStep(page, {
      perturbations: [[chosen.path], page.model.layers],
      unconditional: false,
      taps: [`${chosen.path}.map`, `${chosen.path}.to_v`],
    });
    controls.show(state.layer, chosen, study.index);
    progress.show(study.passes ? [study.passes] : [], 1, `three passes at step ${study.index}`);
    root.classList.toggle('flipped', state.flip !== 'none');
    showDigest(root, belief.show(study, chosen));
    sizes.show(study.seen && lostIn(study.seen.result, study.seen.picture, study.index));
    if (!study.seen) return heads.clear();
    const head = headIn(study.seen.result, chosen.path, chosen.head);
    if (head) heads.show(head.seen, head.colours, tokenAt(state.pixel, side, head.seen.tokens));
  };
};

/** What the identity leaves of the detail of each size. */
function lost({ model }: Page, picture: Tensor, result: PassesResult, index: number) {
  const original = (flip: State['flip']): ArrayLike<number> =>
    model.scheduler.predictOriginal(picture, flipped(result, flip), index).data;
  const whole = original('none');
  return { layer: bandsLeft(whole, original('layer')), all: bandsLeft(whole, original('all')) };
}

/** The head that is looked into. */
interface ChosenHead {
  /** Of its layer. */
  readonly path: string;
  readonly head: number;
  /** How many there are in the layer. */
  readonly heads: number;
}

function chosenHead({ state, model }: Page): ChosenHead {
  const { layer, head } = state();
  const path = present(model.layers[layer], `attention layer ${layer}`);
  const heads = headsOf(model, path);
  return { path, head: Math.min(head, heads - 1), heads };
}

/** What chooses layer, head and step. */
function headControls(page: Page) {
  const { model } = page;
  const sizeOf = (path: string): string => `${gridOf(model, path)} × ${gridOf(model, path)}`;
  const layer = picker(
    'layer',
    'layer',
    model.layers.map((path, i) => [String(i), `${plainName(model.layers, path)} (${sizeOf(path)})`, path]),
    (value) => {
      const path = present(model.layers[Number(value)], `attention layer ${value}`);
      page.change({ layer: Number(value), head: Math.min(page.state().head, headsOf(model, path) - 1) });
    },
  );
  const head = slider(
    { label: 'head', name: 'head', least: 0, most: 5, step: 1, text: (value) => String(value + 1) },
    (value) => page.change({ head: value }),
  );
  const steps = stepSlider('attention-step', stepCount - 1, (step) => page.change({ step }));
  return {
    root: element('div', { class: 'controls above' }, layer.root, head.root, steps.root),
    show(place: number, chosen: ChosenHead, step: number): void {
      layer.show(String(place));
      head.setMost(chosen.heads - 1);
      head.show(chosen.head);
      steps.show(step);
    },
  };
}

/** What the model believes in, with the maps as they are or flipped, and the pixel that asks. */
function beliefView(page: Page) {
  const picture = outlined(pictureCanvas('what the model believes in; choose a pixel'));
  const time = element('span', { class: 'number' });
  pickPixel(
    picture.root,
    () => page.state().pixel,
    (pixel) => page.change({ pixel }),
  );
  const flip = choice(
    'flip',
    'attention map',
    [
      ['none', 'softmax'],
      ['layer', 'identity in this layer'],
      ['all', `identity in all ${page.model.layers.length}`],
    ],
    (value) => page.change({ flip: value }),
  );
  return {
    root: element(
      'div',
      { class: 'ask' },
      captioned(picture.root, symbol('x̂', '0'), ' Choose a pixel; it asks. ', time),
      flip.root,
    ),
    /** @returns x̂₀, once it is known */
    show({ seen, index }: Study, { path }: ChosenHead): Tensor | undefined {
      const state = page.state();
      flip.show(state.flip);
      if (!seen) {
        paintLetter(picture.canvas, undefined);
        return undefined;
      }
      const prediction = flipped(seen.result, state.flip);
      const shown = page.model.scheduler.predictOriginal(seen.picture, prediction, index);
      paintLetter(picture.canvas, shown.data);
      setText(time, `${secondsText(seen.result.milliseconds / 1000)} for three passes.`);
      const grid = gridOf(page.model, path);
      const token = tokenAt(state.pixel, side, grid * grid);
      picture.outline(token % grid, Math.floor(token / grid), grid);
      return shown;
    },
  };
}

/** ε, or ε̂ with the identity in the layer or in all of them. */
function flipped({ plain, perturbed: [inLayer, inAll] }: PassesResult, flip: State['flip']): Tensor {
  return present({ none: plain, layer: inLayer, all: inAll }[flip], 'perturbed prediction');
}
