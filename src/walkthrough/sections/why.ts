/** Why away from worse is better: a world of two numbers, in which every prediction is exact. */
import { scaleSlider, slider } from '../drawing/controls.ts';
import { element, setText } from '../drawing/dom.ts';
import { captioned } from '../drawing/figure.ts';
import { toyPlot, type Arrow } from '../drawing/toy-view.ts';
import type { Section } from '../page.ts';
import { rememberedLater } from '../remembered.ts';
import { mostToyScale } from '../state.ts';
import {
  alone,
  difference,
  drawPoints,
  lettersAmong,
  spoilt,
  spreadOfLetters,
  toyLevel,
  toySteps,
  type Point,
} from '../work/toy.ts';

/** So many points are drawn. */
const count = 300;
/** Arrows in a row, and how far they lie apart. */
const [arrowsInARow, gap] = [15, 0.27];

/** Two densities, the arrows between their predictions, and what is drawn along them. */
export const whySection: Section = (root, page) => {
  const again = (): void => page.change({});
  const plots = {
    alone: toyPlot('the density of what the model draws', alone, again),
    spoilt: toyPlot(
      'the density when neither half sees the other, and the arrows that lead away from it',
      spoilt,
      again,
    ),
    drawn: toyPlot('what is drawn with guidance', alone, again),
  };
  const scale = scaleSlider({ label: 's', name: 'toy-scale', most: mostToyScale }, (toyScale) =>
    page.change({ toyScale }),
  );
  const text = (i: number): string => `${i} of ${toySteps}`;
  const time = slider(
    { label: 'step of the toy', name: 'toy-step', least: 0, most: toySteps - 1, step: 1, text },
    (toyStep) => page.change({ toyStep }),
  );
  const outcome = element('span', { class: 'number' });
  root.append(
    element(
      'div',
      { class: 'triple toy' },
      captioned(
        plots.alone.root,
        element('b', {}, 'alone'),
        ': what the model has learned, letters on the diagonal, as noisy as at the step',
      ),
      captioned(plots.spoilt.root, element('b', { class: 'spoilt' }, 'spoilt'), ', and the arrows away from it'),
      captioned(plots.drawn.root, element('b', { class: 'pag' }, 'drawn'), ' along them: ', outcome),
    ),
    element('div', { class: 'controls' }, scale.root, time.root),
  );
  const arrowsAt = rememberedLater(arrowsOf, again);
  const unguided = rememberedLater((s: number) => drawPoints(count, s), again);
  const pointsAt = rememberedLater((s: number) => drawPoints(count, s), again);

  return () => {
    const { toyScale, toyStep } = page.state();
    scale.show(toyScale);
    time.show(toyStep);
    plots.alone.showDensity(toyStep);
    plots.spoilt.showDensity(toyStep);
    const arrows = arrowsAt(toyStep);
    if (arrows) plots.spoilt.showArrows(arrows);
    plots.drawn.showDensity(toySteps);
    const [points, without] = [pointsAt(toyScale), unguided(0)];
    if (!points || !without) return;
    plots.drawn.showPoints(points);
    setText(
      outcome,
      `${lettersText(points)} are letters (alone ${lettersText(without)}); points of one letter lie ` +
        `${spreadOfLetters(points).toFixed(2)} from its middle (alone ${spreadOfLetters(without).toFixed(2)})`,
    );
  };
};

/** The arrows before a step. */
function arrowsOf(step: number): readonly Arrow[] {
  return grid().map((from) => ({ from, along: arrow(difference(from, toyLevel(step))) }));
}

/** Where the arrows begin. */
function grid(): readonly Point[] {
  const at = (i: number): number => (i - (arrowsInARow - 1) / 2) * gap;
  return Array.from({ length: arrowsInARow ** 2 }, (_, i) => [at(i % arrowsInARow), at(Math.floor(i / arrowsInARow))]);
}

/** The way that guidance moves a picture, against ε − ε̂: long where it is strong, but within its place. */
function arrow([x, y]: Point): Point {
  const length = Math.hypot(x, y);
  const shown = length === 0 ? 0 : (-gap * Math.tanh(length)) / length;
  return [shown * x, shown * y];
}

function lettersText(points: readonly Point[]): string {
  return `${Math.round((100 * lettersAmong(points)) / points.length)} %`;
}
