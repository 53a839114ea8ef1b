/** 2. Where structure lives: what a pixel attends to, and what is left when it cannot. */
import { choice, picker, slider } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { captioned, secondsText, status } from '../drawing/figure.ts';
import { outlined } from '../drawing/outline.ts';
import { asPicture, asShare, asSigned, paint, paintColours, pictureCanvas } from '../drawing/picture.ts';
import { colouring } from '../drawing/values.ts';
import type { Section } from '../page.ts';
import { letterTrace, pictureAt } from '../requests.ts';
import { side, stepCount } from '../study.ts';
import { headOf, rowOf, spreadOf, tokenAt, type Head } from '../work/attention.ts';
import { headsOf, gridOf } from '../work/layers.ts';

export const attentionSection: Section = (root, page) => {
  const { layers } = page.model;
  const belief = outlined(pictureCanvas('what the model believes in; click a pixel'));
  const attended = outlined(pictureCanvas('where this pixel looks'));
  const alone = outlined(pictureCanvas('where it looks when the map is the identity'));
  const gathered = outlined(pictureCanvas('what attention hands on, as colours'));
  const own = outlined(pictureCanvas('what the identity hands on, as colours'));
  const channels = pictureCanvas('the values handed on to the pixel, channel by channel', 'picture strip');
  const [spread, self, apart, found] = [1, 2, 3, 4].map(() => element('span', { class: 'number' }));

  pickPixel(belief.root, page.state, (pixel) => page.change({ pixel }));
  const flip = choice(
    'flip',
    'attention map',
    [
      ['none', 'softmax'],
      ['layer', 'identity in this layer'],
      ['all', `identity in all ${layers.length}`],
    ],
    (value) => page.change({ flip: value }),
  );
  const layer = picker(
    'layer',
    'layer',
    layers.map((path, i) => [String(i), `${path} (${gridOf(page.model, path)} × ${gridOf(page.model, path)})`]),
    (value) =>
      page.change({
        layer: Number(value),
        head: Math.min(page.state().head, headsOf(page.model, layers[Number(value)]) - 1),
      }),
  );
  const head = slider(
    { label: 'head', name: 'head', least: 0, most: 5, step: 1, text: (value) => String(value + 1) },
    (value) => page.change({ head: value }),
  );
  const steps = slider(
    {
      label: 'step',
      name: 'attention-step',
      least: 0,
      most: stepCount - 1,
      step: 1,
      text: (value) => `${value} of ${stepCount}`,
    },
    (step) => page.change({ step }),
  );
  const progress = status();
  /** The head whose values are drawn as colours. */
  let coloured: Head | undefined;

  root.append(
    element('div', { class: 'controls above' }, layer.root, head.root, steps.root),
    element(
      'div',
      { class: 'attention' },
      element(
        'div',
        { class: 'ask' },
        captioned(belief.root, element('b', {}, 'x̂', element('sub', {}, '0')), ' Click a pixel; it asks. ', found),
        flip.root,
      ),
      element(
        'div',
        { class: 'column' },
        element('h3', {}, 'softmax attention'),
        captioned(attended.root, 'It sees ', spread, '; itself with ', self, '.'),
        captioned(gathered.root, element('b', {}, 'A V'), ' what every pixel takes home: mixed colours'),
      ),
      element(
        'div',
        { class: 'column spoilt' },
        element('h3', {}, 'the identity'),
        captioned(alone.root, 'It sees itself alone.'),
        captioned(own.root, element('b', {}, 'I V = V'), ' its own colour'),
      ),
    ),
    captioned(
      channels,
      'The pixel takes home, channel by channel: from attention (top), from the identity, and the difference (',
      apart,
      ' of the length).',
    ),
    progress.root,
  );

  return () => {
    const state = page.state();
    const index = Math.min(state.step, stepCount - 1);
    const path = layers[state.layer];
    const heads = headsOf(page.model, path);
    const headIndex = Math.min(state.head, heads - 1);
    const run = letterTrace(state, { kind: 'none' });
    const picture = pictureAt(run, page.lab.trace(run), index);
    const answer =
      picture &&
      page.lab.passes(
        {
          sample: picture,
          index,
          label: run.labels[0],
          perturbations: [[path], layers],
          unconditional: false,
          taps: [`${path}.map`, `${path}.to_v`],
        },
        JSON.stringify(run),
      );
    const result = answer?.results[0];

    layer.show(String(state.layer));
    setAttributes(head.root.querySelector('input')!, { max: heads - 1 });
    head.show(headIndex);
    steps.show(index);
    flip.show(state.flip);
    progress.show(answer ? [answer] : [], 1, `three passes at step ${index}`);
    root.classList.toggle('flipped', state.flip !== 'none');
    const all = [belief, attended, alone, gathered, own];
    if (!result || !picture) {
      for (const { canvas } of all) paint(canvas, undefined, asPicture);
      coloured = undefined;
      paint(channels, undefined, asPicture);
      showDigest(root, undefined);
      return;
    }

    const prediction = state.flip === 'none' ? result.plain : result.perturbed[state.flip === 'layer' ? 0 : 1];
    const shown = page.model.scheduler.predictOriginal(picture, prediction, index);
    paint(belief.canvas, { width: side, height: side, values: shown.data }, asPicture);
    showDigest(root, shown);
    setText(found, `${secondsText(result.milliseconds / 1000)} for three passes.`);

    const one = headOf(result, path, headIndex);
    const grid = Math.sqrt(one.tokens);
    const token = tokenAt(state.pixel, side, one.tokens);
    const row = rowOf(one, token);
    const lonely = Float32Array.from(row, (_, i) => (i === token ? 1 : 0));
    const square = (values: ArrayLike<number>) => ({ width: grid, height: grid, values });
    paint(attended.canvas, square(row), asShare(Math.max(...row)));
    paint(alone.canvas, square(lonely), asShare(1));
    if (coloured !== one) {
      const colourOf = colouring({ size: one.size, data: one.own });
      paintColours(gathered.canvas, { width: grid, height: grid, colourAt: (i) => colourOf(one.gathered, i) });
      paintColours(own.canvas, { width: grid, height: grid, colourAt: (i) => colourOf(one.own, i) });
      coloured = one;
    }
    for (const each of all) each.outline(token % grid, Math.floor(token / grid), grid);

    const vector = (values: Float32Array): Float32Array => values.subarray(token * one.size, (token + 1) * one.size);
    const [mixed, mine] = [vector(one.gathered), vector(one.own)];
    const difference = mixed.map((value, i) => value - mine[i]);
    const strongest = Math.max(...[...mixed, ...mine, ...difference].map(Math.abs));
    paint(channels, { width: one.size, height: 3, values: [...mixed, ...mine, ...difference] }, asSigned(strongest));
    setText(spread, `${spreadOf(row).toFixed(1)} of ${one.tokens} places`);
    setText(self, `${(row[token] * 100).toFixed(1)} %`);
    setText(apart, `${Math.round((Math.hypot(...difference) / Math.hypot(...mine)) * 100)} %`);
  };
};

/** Pointer and arrow keys choose a pixel. */
function pickPixel(
  target: HTMLElement,
  state: () => { readonly pixel: readonly [number, number] },
  picked: (pixel: readonly [number, number]) => void,
): void {
  const inside = (at: number): number => Math.min(Math.max(at, 0), side - 1);
  setAttributes(target, {
    tabindex: 0,
    role: 'application',
    'aria-label': 'The picture. Arrow keys move the pixel that asks.',
  });
  const point = (event: PointerEvent): void => {
    const box = target.getBoundingClientRect();
    picked([
      inside(Math.floor(((event.clientX - box.left) / box.width) * side)),
      inside(Math.floor(((event.clientY - box.top) / box.height) * side)),
    ]);
  };
  target.addEventListener('pointerdown', (event) => {
    target.setPointerCapture(event.pointerId);
    point(event);
  });
  target.addEventListener('pointermove', (event) => {
    if (target.hasPointerCapture(event.pointerId)) point(event);
  });
  const moves: Readonly<Record<string, readonly [number, number]>> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  target.addEventListener('keydown', (event) => {
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    const [x, y] = state().pixel;
    picked([inside(x + move[0]), inside(y + move[1])]);
  });
}
