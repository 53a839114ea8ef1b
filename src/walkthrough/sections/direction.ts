/** 3. Two predictions, one direction: ε, ε̂, what lies between them, and where it leads. */
import { slider } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setText } from '../drawing/dom.ts';
import { captioned, status } from '../drawing/figure.ts';
import { asPicture, asSigned, paint, pictureCanvas } from '../drawing/picture.ts';
import { planeView } from '../drawing/plane-view.ts';
import type { FloatArray, Tensor } from '../../tensor/tensor.ts';
import type { Section } from '../page.ts';
import { letterTrace, middleOf, pictureAt } from '../requests.ts';
import { planeRange } from '../state.ts';
import { side, stepCount } from '../study.ts';
import { guidancePlane, type GuidancePlane } from '../work/plane.ts';

/** The scales whose pictures stand in a row. */
const samples = [-1, 0, 1, 2, 4, 7, 10];

export const directionSection: Section = (root, page) => {
  const maps = {
    plain: pictureCanvas('ε, the noise that the model sees'),
    spoilt: pictureCanvas('ε̂, the noise that the spoilt model sees'),
    difference: pictureCanvas('their difference'),
  };
  const gain = element('span', { class: 'number' });
  const outcome = pictureCanvas('x̂₀ of the guided prediction');
  const [outside, outsideAlone] = [1, 2].map(() => element('span', { class: 'number' }));
  const row = samples.map((s) => {
    const canvas = pictureCanvas(`x̂₀ with s = ${s}`);
    const key = element('button', { type: 'button', class: 'letter', 'aria-label': `s = ${s}` }, canvas);
    key.addEventListener('click', () => page.change({ plane: [s, page.state().plane[1]] }));
    return { s, canvas, key };
  });
  const view = planeView(([s, g]) => page.change({ plane: [s, g] }));
  const pagScale = slider(
    {
      label: 's, away from ε̂',
      name: 'plane-s',
      least: planeRange.s[0],
      most: planeRange.s[1],
      step: 0.1,
      text: (s) => s.toFixed(1),
    },
    (s) => page.change({ plane: [s, page.state().plane[1]] }),
  );
  const cfgScale = slider(
    {
      label: 'g, towards the letter',
      name: 'plane-g',
      least: planeRange.g[0],
      most: planeRange.g[1],
      step: 0.1,
      text: (g) => g.toFixed(1),
    },
    (g) => page.change({ plane: [page.state().plane[0], g] }),
  );
  const steps = slider(
    {
      label: 'step',
      name: 'direction-step',
      least: 0,
      most: stepCount - 1,
      step: 1,
      text: (value) => `${value} of ${stepCount}`,
    },
    (step) => page.change({ step }),
  );
  const progress = status();
  let memory: { readonly key: object; readonly plane: GuidancePlane } | undefined;

  root.append(
    element('div', { class: 'controls above' }, steps.root),
    element(
      'div',
      { class: 'triple' },
      captioned(maps.plain, element('b', {}, 'ε'), ' with attention'),
      captioned(maps.spoilt, element('b', {}, 'ε̂'), ' with the identity in the middle block'),
      captioned(maps.difference, element('b', {}, 'ε − ε̂'), ' magnified ', gain),
    ),
    element(
      'div',
      { class: 'plane' },
      captioned(view.root, 'All predictions that guidance can reach lie in this plane. Drag the point.'),
      captioned(
        outcome,
        element('b', {}, 'x̂', element('sub', {}, '0')),
        ' behind the point: ',
        outside,
        ' of it lies outside the range of pictures; behind ε, ',
        outsideAlone,
        '.',
      ),
    ),
    element('div', { class: 'controls' }, pagScale.root, cfgScale.root),
    element(
      'div',
      { class: 'film labelled' },
      ...row.map(({ s, key }) =>
        element('div', {}, key, element('span', {}, s === -1 ? 'ε̂' : s === 0 ? 'ε' : String(s))),
      ),
    ),
    progress.root,
  );

  return () => {
    const state = page.state();
    const { scheduler, layers } = page.model;
    const index = Math.min(state.step, stepCount - 1);
    const run = letterTrace(state, { kind: 'none' });
    const picture = pictureAt(run, page.lab.trace(run), index);
    const answer =
      picture &&
      page.lab.passes(
        {
          sample: picture,
          index,
          label: run.labels[0],
          perturbations: [middleOf(layers)],
          unconditional: true,
          taps: [],
        },
        JSON.stringify(run),
      );
    const result = answer?.results[0];
    const [s, g] = state.plane;
    steps.show(index);
    pagScale.show(s);
    cfgScale.show(g);
    progress.show(answer ? [answer] : [], 1, `ε, ε̂ and ε(∅) at step ${index}`);
    if (!result?.unconditional || !picture) {
      for (const canvas of [...Object.values(maps), outcome, ...row.map(({ canvas }) => canvas)])
        paint(canvas, undefined, asPicture);
      view.clear();
      showDigest(root, undefined);
      return;
    }
    if (memory?.key !== result) memory = { key: result, plane: guidancePlane(result as Required<typeof result>) };
    const { plane } = memory;

    const square = (values: ArrayLike<number>) => ({ width: side, height: side, values });
    const extent = 3;
    const magnified = extent / Math.max(...plane.away.data.map(Math.abs));
    paint(maps.plain, square(result.plain.data), asSigned(extent));
    paint(maps.spoilt, square(result.perturbed[0].data), asSigned(extent));
    paint(maps.difference, square(plane.away.data.map((value) => value * magnified)), asSigned(extent));
    setText(gain, `${Math.round(magnified)} ×`);

    const guided = plane.guided(s, g);
    const original = (prediction: Tensor) => scheduler.predictOriginal(picture, prediction, index).data;
    const shown = original(guided);
    paint(outcome, square(shown), asPicture);
    setText(outside, outsideText(shown));
    setText(outsideAlone, outsideText(original(result.plain)));
    row.forEach(({ s: scale, canvas, key }) => {
      paint(canvas, square(original(plane.guided(scale, g))), asPicture);
      key.setAttribute('aria-pressed', String(scale === s));
    });
    view.show(plane, s, g);
    showDigest(root, guided);
  };
};

/** How much of a picture lies outside [−1, 1], and not just by a hair. */
function outsideText(picture: FloatArray): string {
  return `${Math.round((picture.filter((value) => Math.abs(value) > 1.05).length / picture.length) * 100)} %`;
}
