/** What is left of each size of detail, as lines over the size: 1 is all of it. */
import { finest } from '../work/spectrum.ts';
import { setAttributes, svg } from './dom.ts';

/** A chart. */
export interface SpectrumView {
  readonly root: SVGElement;
  /** @param lines what is left, by frequency from 1 on; undefined while it is not known */
  show(lines: { readonly layer: readonly number[]; readonly all: readonly number[] } | undefined): void;
}

const [width, height, left, right, bottom, top] = [520, 190, 66, 12, 30, 12];
/** More than this is drawn at the upper edge. */
const most = 2;

/** A chart without lines. */
export function spectrumView(): SpectrumView {
  const lines = { layer: svg('polyline', { class: 'of-layer' }), all: svg('polyline', { class: 'of-all' }) };
  const root = svg(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      class: 'plane-view chart spectrum',
      role: 'img',
      'aria-label': 'no lines yet',
    },
    ...axes(),
    lines.all,
    lines.layer,
  );
  return {
    root,
    show(found) {
      setAttributes(lines.layer, { points: found && pointsOf(found.layer) });
      setAttributes(lines.all, { points: found && pointsOf(found.all) });
      if (found) setAttributes(root, { 'aria-label': summary(found.layer, found.all) });
    },
  };
}

function pointsOf(ratios: readonly number[]): string {
  return ratios.map((ratio, i) => `${xOf(i + 1)},${yOf(ratio)}`).join(' ');
}

function xOf(waves: number): number {
  return left + ((waves - 1) / (finest - 1)) * (width - left - right);
}

function yOf(ratio: number): number {
  return top + (1 - Math.min(ratio, most) / most) * (height - top - bottom);
}

function axes(): readonly SVGElement[] {
  const levels = [0, 1, 2].flatMap((ratio) => [
    svg('line', { class: 'axis', x1: left, x2: width - right, y1: yOf(ratio), y2: yOf(ratio) }),
    svg('text', { class: 'tick', x: left - 8, y: yOf(ratio) + 4, 'text-anchor': 'end' }, `${100 * ratio} %`),
  ]);
  const below = { class: 'tick', y: height - 8 };
  return [
    ...levels,
    svg('text', { ...below, x: left }, 'the whole letter'),
    svg('text', { ...below, x: xOf(7.5), 'text-anchor': 'middle' }, 'a stroke'),
    svg('text', { ...below, x: width - right, 'text-anchor': 'end' }, 'an edge'),
  ];
}

function summary(layer: readonly number[], all: readonly number[]): string {
  const text = (ratios: readonly number[]): string => ratios.map((ratio) => ratio.toFixed(2)).join(', ');
  return `left by size of detail, from large to fine: this layer ${text(layer)}; all layers ${text(all)}`;
}
