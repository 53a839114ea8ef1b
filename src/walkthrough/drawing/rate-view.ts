/** How often guided pictures were preferred, over the scale: the reader's lines beside the classifier's. */
import { tastedScales } from '../work/tasting.ts';
import { setAttributes, svg } from './dom.ts';

/** A chart. */
export interface RateView {
  readonly root: SVGElement;
  /** @param classifier undefined while it is not known */
  show(reader: readonly number[], classifier: readonly number[] | undefined): void;
}

const [width, height, left, right, bottom, top] = [520, 190, 66, 30, 30, 12];

/** A chart without lines. */
export function rateView(): RateView {
  const lines = { reader: svg('polyline', { class: 'of-reader' }), classifier: svg('polyline', { class: 'of-all' }) };
  const root = svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'plane-view chart rates', role: 'img', 'aria-label': 'no lines yet' },
    ...axes(),
    lines.classifier,
    lines.reader,
  );
  return {
    root,
    show(reader, classifier) {
      setAttributes(lines.reader, { points: pointsOf(reader) });
      setAttributes(lines.classifier, { points: classifier && pointsOf(classifier) });
      setAttributes(root, { 'aria-label': `you: ${textOf(reader)}; the classifier: ${textOf(classifier ?? [])}` });
    },
  };
}

function pointsOf(rates: readonly number[]): string {
  return rates.map((rate, i) => `${xOf(i)},${yOf(rate)}`).join(' ');
}

function textOf(rates: readonly number[]): string {
  return rates.map((rate, i) => `${Math.round(100 * rate)} % with s = ${tastedScales[i]}`).join(', ');
}

function xOf(place: number): number {
  return left + (place / (tastedScales.length - 1)) * (width - left - right);
}

function yOf(rate: number): number {
  return top + (1 - rate) * (height - top - bottom);
}

function axes(): readonly SVGElement[] {
  return [
    ...[0, 0.5, 1].flatMap((rate) => [
      svg('line', { class: 'axis', x1: left, x2: width - right, y1: yOf(rate), y2: yOf(rate) }),
      svg('text', { class: 'tick', x: left - 8, y: yOf(rate) + 4, 'text-anchor': 'end' }, `${100 * rate} %`),
    ]),
    ...tastedScales.map((scale, i) =>
      svg('text', { class: 'tick', x: xOf(i), y: height - 8, 'text-anchor': 'middle' }, `s = ${scale}`),
    ),
  ];
}
