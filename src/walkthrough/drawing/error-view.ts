/** The error of each step on a scale of powers of ten. */
import { stepCount } from '../study.ts';
import { setAttributes, svg } from './dom.ts';

/** A chart of errors. */
export interface ErrorView {
  readonly root: SVGElement;
  /** @param errors after each of the steps that have been taken; 0 is no error, and not drawn */
  show(errors: readonly number[]): void;
}

const [width, height, left, bottom, top] = [520, 250, 52, 30, 14];
/** The powers of ten that are shown. */
const [least, most] = [-8, 1];
/** Pictures go from −1 to 1 in 256 grey values, and most of a picture is paper: −1. */
const visible = 2 / 256;

/** A chart without errors. */
export function errorView(): ErrorView {
  const line = svg('polyline');
  const dots = Array.from({ length: stepCount }, () => svg('circle', { r: 3, class: 'error' }));
  const root = svg(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      class: 'plane-view chart error-view',
      role: 'img',
      'aria-label': summary(undefined),
    },
    ...axes(),
    line,
    ...dots,
  );
  return {
    root,
    show(errors) {
      const places = errors.map((error, i) => (error > 0 ? { x: xOf(i + 1), y: yOf(error) } : undefined));
      const drawn = places.flatMap((place) => place ?? []);
      setAttributes(line, { points: drawn.map(({ x, y }) => `${x},${y}`).join(' ') });
      for (const [i, dot] of dots.entries()) {
        const place = places[i];
        setAttributes(dot, place ? { cx: place.x, cy: place.y, visibility: undefined } : { visibility: 'hidden' });
      }
      setAttributes(root, { 'aria-label': summary(errors.at(-1)) });
    },
  };
}

function xOf(step: number): number {
  return left + ((step - 1) / (stepCount - 1)) * (width - left - 16);
}

function yOf(error: number): number {
  const power = Math.min(Math.max(Math.log10(error), least), most);
  return top + ((most - power) / (most - least)) * (height - top - bottom);
}

/** The powers of ten, the line below which nobody sees an error, and the steps. */
function axes(): readonly SVGElement[] {
  const powers = Array.from({ length: most - least + 1 }, (_, i) => least + i);
  const below = { class: 'tick', x: left + 6, y: yOf(visible) + 12 };
  return [
    ...powers.flatMap(powerLine),
    horizontal('eye', yOf(visible)),
    svg('text', below, 'about one grey value of 256'),
    ...[1, 5, 10, 15, 20].map((step) =>
      svg('text', { class: 'tick', x: xOf(step), y: height - 8, 'text-anchor': 'middle' }, String(step)),
    ),
  ];
}

/** A line, every second one with its number. */
function powerLine(power: number): readonly SVGElement[] {
  const y = yOf(10 ** power);
  const line = horizontal('axis', y);
  if (power % 2 !== 0) return [line];
  const place = { class: 'tick', x: left - 8, y: y + 4, 'text-anchor': 'end' };
  return [line, svg('text', place, power === 0 ? '1' : `1e${power}`)];
}

function horizontal(className: string, y: number): SVGElement {
  return svg('line', { class: className, x1: left, x2: width - 16, y1: y, y2: y });
}

function summary(last: number | undefined): string {
  return last === undefined
    ? 'No error: nothing is broken.'
    : `The error of each step; after the last one ${last.toExponential(1)}.`;
}
