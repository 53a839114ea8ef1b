/** A chart of shares: a full line and a broken one behind it over places in a row, with percent at their left. */
import { setAttributes, svg } from './dom.ts';

/** A chart. */
export interface ShareChart {
  readonly root: SVGElement;
  /**
   * Draws its lines, from the first place on; none where they are not known.
   * @param said of them to those who do not see them; as it was where undefined
   */
  show(front: Shares | undefined, back: Shares | undefined, said: string | undefined): void;
}

/** From 0, which is nothing, to 1 or beyond. */
export type Shares = readonly number[];

/** What a chart looks like. */
export interface ShareChartOptions {
  /** For the style sheet, where its lines have a colour of their own. */
  readonly name?: string;
  /** More than this is drawn at the upper edge. */
  readonly most: number;
  /** How a level is written at the left: as percent unless given. */
  readonly text?: (share: number) => string;
  /** How many places there are. */
  readonly count: number;
  /** Room at the right, in pixels. */
  readonly right: number;
  /** What stands below a place, and where of it: in the middle unless it is said. */
  readonly below: readonly (readonly [place: number, text: string, anchor?: 'start' | 'end'])[];
}

const [width, height, left, bottom, top] = [520, 190, 76, 30, 12];

/** A chart without lines. */
export function shareChart({
  name = '',
  most,
  text = (share) => `${100 * share} %`,
  count,
  right,
  below,
}: ShareChartOptions): ShareChart {
  const xOf = (place: number): number => left + (place / (count - 1)) * (width - left - right);
  const yOf = (share: number): number => top + (1 - Math.min(share, most) / most) * (height - top - bottom);
  const pointsOf = (shares: Shares): string => shares.map((share, i) => `${xOf(i)},${yOf(share)}`).join(' ');
  const lines = { front: svg('polyline'), back: svg('polyline', { class: 'back' }) };
  const levels = [0, most / 2, most].flatMap((share) => [
    svg('line', { class: 'axis', x1: left, x2: width - right, y1: yOf(share), y2: yOf(share) }),
    svg('text', { class: 'tick', x: left - 8, y: yOf(share) + 4, 'text-anchor': 'end' }, text(share)),
  ]);
  const ticks = below.map(([place, text, anchor = 'middle']) =>
    svg('text', { class: 'tick', x: xOf(place), y: height - 8, 'text-anchor': anchor }, text),
  );
  const look = { viewBox: `0 0 ${width} ${height}`, class: `plane-view chart ${name}` };
  const named = { role: 'img', 'aria-label': 'no lines yet' };
  const root = svg('svg', { ...look, ...named }, ...levels, ...ticks, lines.back, lines.front);
  return {
    root,
    show(front, back, said) {
      setAttributes(lines.front, { points: front && pointsOf(front) });
      setAttributes(lines.back, { points: back && pointsOf(back) });
      if (said !== undefined) setAttributes(root, { 'aria-label': said });
    },
  };
}
