/** The error of each step on a scale of powers of ten. */
import { stepCount } from '../study.ts';
import { setAttributes, svg } from './dom.ts';

export interface ErrorView {
  readonly root: SVGElement;
  show(errors: readonly number[]): void;
}

const [width, height, left, bottom, top] = [520, 250, 52, 30, 14];
/** The powers of ten that are shown. */
const [least, most] = [-8, 1];
/** Pictures go from −1 to 1 in 256 grey values, and most of a picture is paper: −1. */
const visible = 2 / 256;

export function errorView(): ErrorView {
  const xOf = (step: number): number => left + ((step - 1) / (stepCount - 1)) * (width - left - 16);
  const yOf = (error: number): number => {
    const power = Math.min(Math.max(Math.log10(error), least), most);
    return top + ((most - power) / (most - least)) * (height - top - bottom);
  };
  const grid = Array.from({ length: most - least + 1 }, (_, i) => least + i).flatMap((power) => [
    svg('line', { class: 'axis', x1: left, x2: width - 16, y1: yOf(10 ** power), y2: yOf(10 ** power) }),
    ...(power % 2 === 0
      ? [
          svg(
            'text',
            { class: 'tick', x: left - 8, y: yOf(10 ** power) + 4, 'text-anchor': 'end' },
            power === 0 ? '1' : `1e${power}`,
          ),
        ]
      : []),
  ]);
  const eye = svg('line', { class: 'eye', x1: left, x2: width - 16, y1: yOf(visible), y2: yOf(visible) });
  const eyeText = svg('text', { class: 'tick', x: left + 6, y: yOf(visible) + 12 }, 'about one grey value of 256');
  const steps = [1, 5, 10, 15, 20].map((step) =>
    svg('text', { class: 'tick', x: xOf(step), y: height - 8, 'text-anchor': 'middle' }, String(step)),
  );
  const line = svg('polyline', { class: 'errors' });
  const dots = Array.from({ length: stepCount }, () => svg('circle', { r: 3, class: 'error' }));
  const root = svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'plane-view error-view', role: 'img' },
    ...grid,
    eye,
    eyeText,
    ...steps,
    line,
    ...dots,
  );
  return {
    root,
    show(errors) {
      const drawn = errors.map((error, i) => ({ x: xOf(i + 1), y: yOf(error), shown: error > 0 }));
      setAttributes(line, {
        points: drawn
          .filter(({ shown }) => shown)
          .map(({ x, y }) => `${x},${y}`)
          .join(' '),
      });
      dots.forEach((dot, i) =>
        setAttributes(
          dot,
          drawn[i]?.shown ? { cx: drawn[i].x, cy: drawn[i].y, visibility: undefined } : { visibility: 'hidden' },
        ),
      );
      const last = errors.at(-1);
      setAttributes(root, {
        'aria-label':
          last === undefined
            ? 'No error: nothing is broken.'
            : `The error of each step; after the last one ${last.toExponential(1)}.`,
      });
    },
  };
}
