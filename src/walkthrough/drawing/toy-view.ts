/** A square of the plane: a density as shades, arrows or points above it. */
import { element, setAttributes, svg } from './dom.ts';
import { asShare, paint, pictureCanvas } from './picture.ts';
import { density, type Mixture, type Point, type ToyLevel } from '../work/toy.ts';

/** The plane is shown from minus so much to as much, in either direction. */
const reach = 2.1;
/** Shades in a row. */
const shades = 60;

/** A square of the plane. */
export interface ToyPlot {
  readonly root: HTMLElement;
  /** @param key of the density: shades of one key are not computed again */
  showDensity(key: string, mixture: Mixture, level: ToyLevel): void;
  /** From each point, a dot, a stroke along its arrow. */
  showArrows(arrows: readonly { readonly from: Point; readonly along: Point }[]): void;
  showPoints(points: readonly Point[]): void;
}

/** @param label what the plot shows */
export function toyPlot(label: string): ToyPlot {
  const canvas = pictureCanvas(label, 'picture shades');
  const arrows = svg('path', { class: 'arrows' });
  const tails = svg('path', { class: 'tails' });
  const points = svg('path', { class: 'points' });
  const above = svg('svg', { viewBox: `${-reach} ${-reach} ${2 * reach} ${2 * reach}`, 'aria-hidden': 'true' });
  above.append(arrows, tails, points);
  let shown = '';
  return {
    root: element('div', { class: 'toy-plot' }, canvas, above),
    showDensity(key, mixture, level) {
      const values = shown === key ? undefined : densityShades(mixture, level);
      shown = key;
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
function densityShades(mixture: Mixture, level: ToyLevel): readonly number[] {
  const at = (i: number): number => ((i + 0.5) / shades) * 2 * reach - reach;
  const values = Array.from({ length: shades * shades }, (_, i) =>
    density(mixture, [at(i % shades), -at(Math.floor(i / shades))], level),
  );
  const most = values.reduce((largest, value) => Math.max(largest, value), 0);
  return values.map((value) => value / most);
}

function dots(points: readonly Point[]): string {
  return points.map(([x, y]) => `M${text(x, -y)}h0`).join('');
}

function text(x: number, y: number): string {
  return `${x.toFixed(3)} ${y.toFixed(3)}`;
}
