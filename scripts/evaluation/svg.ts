/** Charts as SVG: text in, text out. Colours can be told apart by colour-blind people (Okabe & Ito 2008). */

/** The colours of series, in order. */
export const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00'] as const;
const ink = '#222222';
const faint = '#767676';
const rule = '#dddddd';
const font = "font-family=\"Inter, 'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif\"";

/** A part of a chart, in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A value and the ends of its interval. */
export interface Bar {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How a text is set. */
export interface TextStyle {
  readonly size?: number;
  readonly weight?: 'bold' | 'normal';
  readonly colour?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
}

/** A picture of these parts, on white. */
export function svg(width: number, height: number, parts: readonly string[]): string {
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${font}>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/** A line of text whose anchor is at (x, y). */
export function text(
  x: number,
  y: number,
  content: string,
  { size = 12, weight = 'normal', colour = ink, anchor = 'start' }: TextStyle = {},
): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const style = `font-size="${size}" font-weight="${weight}" fill="${colour}" text-anchor="${anchor}"`;
  return `<text x="${round(x)}" y="${round(y)}" ${style}>${escaped}</text>`;
}

/** A straight line. */
export function line(x1: number, y1: number, x2: number, y2: number, colour = rule, width = 1): string {
  const ends = `x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"`;
  return `<line ${ends} stroke="${colour}" stroke-width="${width}"/>`;
}

/** A line through points. */
export function path(points: readonly (readonly [number, number])[], colour: string): string {
  const places = points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ');
  return `<polyline points="${places}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"/>`;
}

/** The colour of a series, by its place. */
export function colourOf(series: number): string {
  return palette.at(series % palette.length) ?? ink;
}

/** The mark of a point. Series differ in colour and in shape. */
export function marker(x: number, y: number, series: number): string {
  const [cx, cy, colour] = [round(x), round(y), colourOf(series)];
  const style = `fill="${colour}" stroke="#ffffff" stroke-width="1.5"`;
  switch (series % 3) {
    case 0:
      return `<circle cx="${cx}" cy="${cy}" r="5" ${style}/>`;
    case 1:
      return `<rect x="${round(x - 4.5)}" y="${round(y - 4.5)}" width="9" height="9" ${style}/>`;
    default:
      return `<path d="M${cx} ${round(y - 6)}l6 10.5h-12z" ${style}/>`;
  }
}

/** A map from values to places. */
export type Scale = (value: number) => number;

/** The straight map from `from` … `to` to `start` … `end`. */
export function linear(from: number, to: number, start: number, end: number): Scale {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

/** About `count` round numbers from `low` to `high`. */
export function ticks(low: number, high: number, count = 4): readonly number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999) ?? 10 * power;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** The range of bars with a little room. */
export function rangeOf(bars: readonly Bar[], more: readonly number[] = []): readonly [low: number, high: number] {
  const low = Math.min(...bars.map((bar) => bar.low), ...more);
  const high = Math.max(...bars.map((bar) => bar.high), ...more);
  const room = 0.06 * (high - low || Math.abs(high) || 1);
  return [low - room, high + room];
}

/** As few digits, at most four after the point, as tell the values apart that `step` lies between. */
export function numberText(value: number, step: number): string {
  const power = Math.floor(Math.log10(Math.abs(step) || 1) + 1e-9);
  const digits = -power + (/[25]5/.test(String(step)) ? 1 : 0);
  return value.toFixed(Math.max(0, Math.min(4, digits))).replace('-', '−');
}

/** The colours of all but the series. */
export const colours = { ink, faint, rule };

function round(value: number): number {
  return Math.round(100 * value) / 100;
}
