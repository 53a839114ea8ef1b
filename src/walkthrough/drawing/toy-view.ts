/** A square of the plane: a density as shades, arrows or points above it. */
import { element, setAttributes, svg } from './dom.ts';
import { asShare, paint, pictureCanvas } from './picture.ts';
import { rememberedLater } from '../remembered.ts';
import { density, toyLevel, type Mixture, type Point } from '../work/toy.ts';

/** The plane is shown from minus so much to as much, in either direction. */
export const reach = 2.1;
/** Shades in a row. */
const shades = 60;

/** An arrow, and where it begins. */
export interface Arrow {
  readonly from: Point;
  readonly along: Point;
}

/** A square of the plane. */
export interface ToyPlot {
  readonly root: HTMLElement;
  /** Shows the density as it is before a step, or behind the last one. */
  showDensity(step: number): void;
  /** From each point, a dot, a stroke along its arrow. */
  showArrows(arrows: readonly Arrow[]): void;
  showPoints(points: readonly Point[]): void;
}

/**
 * @param label what the plot shows
 * @param mixture whose density it is
 * @param again is called when a density has been computed, and is to be shown
 */
export function toyPlot(label: string, mixture: Mixture, again: () => void): ToyPlot {
  const canvas = pictureCanvas(label, 'picture shades');
  const arrows = svg('path', { class: 'arrows' });
  const tails = svg('path', { class: 'tails' });
  const points = svg('path', { class: 'points' });
  const above = svg('svg', { viewBox: `${-reach} ${-reach} ${2 * reach} ${2 * reach}`, 'aria-hidden': 'true' });
  above.append(arrows, tails, points);
  const shadesAt = rememberedLater((step: number) => densityShades(mixture, step), again);
  return {
    root: element('div', { class: 'toy-plot' }, canvas, above),
    showDensity(step) {
      const values = shadesAt(step);
      if (values) paint(canvas, { width: shades, height: shades, values }, asShare(1.6));
    },
    showArrows(all) {
      setAttributes(arrows, {
        d: all.map(({ from: [x, y], along: [dx, dy] }) => `M${text(x, -y)}l${text(dx, -dy)}`).join(''),
      });
      setAttributes(tails, { d: dots(all.map(({ from }) => from)) });
    },
    showPoints(all) {
      setAttributes(points, { d: dots(all) });
    },
  };
}

/** From 0 to 1, the densest place. */
function densityShades(mixture: Mixture, step: number): readonly number[] {
  const level = toyLevel(step);
  const at = (i: number): number => ((i + 0.5) / shades) * 2 * reach - reach;
  const values = Array.from({ length: shades * shades }, (_, i) =>
    density(mixture, [at(i % shades), -at(Math.floor(i / shades))], level),
  );
  const most = values.reduce((largest, value) => Math.max(largest, value), 0);
  return values.map((value) => value / most);
}

/** A path that is a dot at each point, for a line with round ends. */
export function dots(points: readonly Point[]): string {
  return points.map(([x, y]) => `M${text(x, -y)}h0`).join('');
}

function text(x: number, y: number): string {
  return `${x.toFixed(3)} ${y.toFixed(3)}`;
}
