/** 3. Two predictions, one direction: ε, ε̂, what lies between them, and where it leads. */
import type { FloatArray, Tensor } from '../../tensor/tensor.ts';
import { lastOf } from '../../tensor/at.ts';
import { present } from '../checked.ts';
import { button, slider, stepSlider, type Slider } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes, setText, symbol } from '../drawing/dom.ts';
import { captioned, status } from '../drawing/figure.ts';
import { letterKey } from '../drawing/letter-key.ts';
import { asOvershot, asSigned, farOut, paintLetter, pictureCanvas } from '../drawing/picture.ts';
import { planeView } from '../drawing/plane-view.ts';
import type { Page, Section } from '../page.ts';
import type { PassesResult } from '../protocol.ts';
import { remembered, rememberedLater } from '../remembered.ts';
import { middleOf, studyStep } from '../requests.ts';
import { planeRange, type State } from '../state.ts';
import { stepCount } from '../study.ts';
import { guidancePlane, type GuidancePlane } from '../work/plane.ts';

/** ε and ε̂, the plane in which guidance moves, and what lies behind a point of it. */
export const directionSection: Section = (root, page) => {
  const steps = stepSlider('direction-step', stepCount - 1, (step) => page.change({ step }));
  const trio = trioView();
  const difference = differenceMap();
  const plane = planeView((scales) => page.change({ plane: scales }));
  const sliders = scaleSliders(page);
  const film = scaleGrid(page);
  const progress = status();
  const planeOf = remembered(guidancePlane);
  root.append(
    element('div', { class: 'controls above' }, steps.root),
    trio.root,
    element(
      'div',
      { class: 'plane' },
      captioned(plane.root, 'All predictions that guidance can reach lie in this plane. Drag the point.'),
      difference.root,
    ),
    element('div', { class: 'controls' }, sliders.s.root, sliders.g.root, farButton(page)),
    film.root,
    progress.root,
  );

  return () => {
    const [s, g] = page.state().plane;
    const study = studyStep(page, {
      perturbations: [middleOf(page.model.layers)],
      unconditional: true,
      taps: [],
    });
    steps.show(study.index);
    sliders.s.show(s);
    sliders.g.show(g);
    progress.show(study.passes ? [study.passes] : [], 1, `ε, ε̂ and ε(∅) at step ${study.index}`);
    if (!study.seen || !isWhole(study.seen.result)) {
      for (const view of [trio, difference, film, plane]) view.clear();
      showDigest(root, undefined);
      return;
    }
    const { picture, result } = study.seen;
    const found = planeOf(result);
    const original = (prediction: Tensor): FloatArray =>
      page.model.scheduler.predictOriginal(picture, prediction, study.index).data;
    const guided = found.guided(s, g);
    trio.show({
      spoilt: original(present(result.perturbed[0], 'perturbed prediction')),
      plain: original(result.plain),
      guided: original(guided),
    });
    difference.show(found);
    film.show({ plane: found, picture, index: study.index }, page.state().plane);
    plane.show(found, s, g);
    showDigest(root, guided);
  };
};

function isWhole(result: PassesResult): result is Required<PassesResult> {
  return result.unconditional !== undefined;
}

/** x̂₀ spoilt, alone and guided: three points of one line; and how much of the guided one no picture has. */
function trioView() {
  const spoilt = pictureCanvas('x̂₀ of the spoilt prediction');
  const plain = pictureCanvas('x̂₀ of the prediction');
  const guided = pictureCanvas('x̂₀ of the guided prediction');
  const [outside, outsideAlone] = [element('span', { class: 'number' }), element('span', { class: 'number' })];
  return {
    root: element(
      'div',
      { class: 'triple' },
      captioned(spoilt, element('b', { class: 'spoilt' }, 'spoilt'), ', behind ', symbol('ε̂')),
      captioned(
        plain,
        element('b', {}, 'alone'),
        ', behind ',
        symbol('ε'),
        '; ',
        outsideAlone,
        ' of it lies far beyond ink or paper',
      ),
      captioned(
        guided,
        element('b', { class: 'pag' }, 'guided'),
        ', behind ',
        symbol('ε̃'),
        '; far beyond ink or paper: ',
        outside,
      ),
    ),
    show(pictures: { readonly spoilt: FloatArray; readonly plain: FloatArray; readonly guided: FloatArray }): void {
      paintLetter(spoilt, pictures.spoilt, asOvershot);
      paintLetter(plain, pictures.plain, asOvershot);
      paintLetter(guided, pictures.guided, asOvershot);
      setText(outside, outsideText(pictures.guided));
      setText(outsideAlone, outsideText(pictures.plain));
    },
    clear(): void {
      for (const canvas of [spoilt, plain, guided]) paintLetter(canvas, undefined);
    },
  };
}

/** Noise is shown from minus so many to as many. */
const extent = 3;

/** ε̂ − ε: the arrow as it moves x̂₀. */
function differenceMap() {
  const canvas = pictureCanvas('the difference of the two predictions');
  const gain = element('span', { class: 'number' });
  return {
    root: captioned(
      canvas,
      'The arrow as a picture: where it adds ink (pink) and takes it (blue). It is ',
      symbol('ε̂ − ε'),
      ', since noise is taken away; magnified ',
      gain,
    ),
    show({ away }: GuidancePlane): void {
      const magnified = extent / Math.max(...away.data.map(Math.abs));
      paintLetter(
        canvas,
        // Noise is taken away, so less noise is more ink.
        away.data.map((value) => -value * magnified),
        asSigned(extent),
      );
      setText(gain, `${Math.round(magnified)} ×`);
    },
    clear(): void {
      paintLetter(canvas, undefined);
    },
  };
}

/** How much of a picture lies far outside [−1, 1]. */
function outsideText(picture: FloatArray): string {
  return `${Math.round((picture.filter((value) => Math.abs(value) > farOut).length / picture.length) * 100)} %`;
}

/** The sliders that move the point: away from ε̂, and away from ε(∅). */
function scaleSliders(page: Page): { readonly s: Slider; readonly g: Slider } {
  const scaleSlider = (
    label: string,
    name: string,
    [least, most]: readonly [number, number],
    changed: (scale: number) => void,
  ): Slider => slider({ label, name, least, most, step: 0.1, text: (scale) => scale.toFixed(1) }, changed);
  return {
    s: scaleSlider('s, away from ε̂', 'plane-s', planeRange.s, (s) =>
      page.change({ plane: [s, page.state().plane[1]] }),
    ),
    g: scaleSlider('g, towards the letter', 'plane-g', planeRange.g, (g) =>
      page.change({ plane: [page.state().plane[0], g] }),
    ),
  };
}

/** A button that goes where guidance overshoots. */
function farButton(page: Page): HTMLButtonElement {
  return button('too far', 'plane-far', () => page.change({ plane: [planeRange.s[1], planeRange.g[1]] }));
}

/** The scales whose pictures fill the plane, s across and g up. */
const [across, up] = [
  [-1, 0, 1, 2, 4, 7, 10],
  [3, 2, 1, 0],
] as const;

/** x̂₀ at many places of the plane: ε̃ is linear in s and g, so no pass of the network is needed for them. */
function scaleGrid(page: Page) {
  const keys = up.flatMap((g) =>
    across.map((s) => ({ s, g, key: letterKey(`s = ${s}, g = ${g}`, () => page.change({ plane: [s, g] })) })),
  );
  const overshoot = element('span', { class: 'number' });
  const grid = element(
    'div',
    { class: 'scale-grid' },
    ...up.flatMap((g) => [
      element('span', {}, `g = ${g}`),
      ...keys.filter((key) => key.g === g).map(({ key }) => key.root),
    ]),
    element('span', {}),
    ...across.map((s) => element('span', {}, s < 0 ? `s = −${-s}` : String(s))),
  );
  const filled = rememberedLater(
    (plane: GuidancePlane, picture: Tensor, index: number) => {
      const pictureAt = (s: number, g: number): FloatArray =>
        page.model.scheduler.predictOriginal(picture, plane.guided(s, g), index).data;
      return { pictures: keys.map(({ s, g }) => pictureAt(s, g)), corner: pictureAt(lastOf(across), up[0]) };
    },
    () => page.change({}),
  );
  return {
    root: captioned(
      grid,
      'The plane, filled with ',
      symbol('x̂', '0'),
      '. Far out guidance overshoots: coloured is what lies far beyond ink (pink) or paper (blue), ',
      overshoot,
      ' of the picture in the upper right corner.',
    ),
    show({ plane, picture, index }: PlaneAt, [chosenS, chosenG]: State['plane']): void {
      const known = filled(plane, picture, index);
      if (known) setText(overshoot, outsideText(known.corner));
      for (const [i, { s, g, key }] of keys.entries()) {
        if (known) paintLetter(key.canvas, known.pictures[i], asOvershot);
        setAttributes(key.root, { 'aria-pressed': String(s === chosenS && g === chosenG) });
      }
    },
    clear(): void {
      for (const { key } of keys) paintLetter(key.canvas, undefined);
    },
  };
}

/** The plane through the predictions for x_t at a step. */
interface PlaneAt {
  readonly plane: GuidancePlane;
  readonly picture: Tensor;
  readonly index: number;
}
