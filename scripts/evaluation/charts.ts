/** The two kinds of charts: curves over the guidance scale, and changes against no guidance. */
import { figures, type Figure } from '../../src/evaluation/measure.ts';
import { isSure } from './estimates.ts';
import type { Group } from './groups.ts';
import type { MeasuredGroup, MeasuredSection } from './results.ts';
import {
  colourOf,
  colours,
  line,
  linear,
  marker,
  numberText,
  palette,
  path,
  rangeOf,
  svg,
  text,
  ticks,
  type Bar,
  type Box,
  type Scale,
} from './svg.ts';

const margin = 24;
const header = 66;

/** The chart of a group, as SVG. */
export function chartOf(group: Group, measured: MeasuredGroup): string {
  return group.chart === 'curves' ? curves(group, measured) : changes(group, measured);
}

function heading({ title, subtitle }: Pick<Group, 'title' | 'subtitle'>): readonly string[] {
  return [
    text(margin, margin + 14, title, { size: 18, weight: 'bold' }),
    text(margin, margin + 34, subtitle, { colour: colours.faint }),
  ];
}

const arrow = (figure: Figure): string => (figures[figure].better === 'lower' ? '↓ better' : '↑ better');

/** Every figure over s, a series for each section. */
function curves(group: Group, { sections }: MeasuredGroup): string {
  const shown = group.figures.filter((figure) => sections.some(({ rows }) => rows.some((row) => row.figures[figure])));
  const columns = 3;
  const panel = { width: 236, height: 178 };
  const gap = { x: 58, y: 62 };
  const rows = Math.ceil(shown.length / columns);
  const width = 2 * margin + 34 + columns * panel.width + (columns - 1) * gap.x;
  const legendTop = header + margin + 6;
  const top = legendTop + 42;
  const height = top + rows * panel.height + (rows - 1) * gap.y + 92;

  const parts = [...heading(group)];
  let left = margin;
  sections.forEach(({ title, pictures }, series) => {
    const words = `${title}, ${pictures.toLocaleString('en')} pictures a point`;
    parts.push(marker(left + 6, legendTop - 4, series), text(left + 20, legendTop, words));
    left += 48 + 6 * words.length;
  });
  shown.forEach((figure, i) => {
    const box = {
      left: margin + 34 + (i % columns) * (panel.width + gap.x),
      top: top + Math.floor(i / columns) * (panel.height + gap.y),
      ...panel,
    };
    parts.push(...curvePanel(figure, sections, box));
  });
  parts.push(
    text(margin, height - 22, 'Bars: 95 % bootstrap intervals. The axis of s is that of √s. s = 0 is no guidance.', {
      size: 11,
      colour: colours.faint,
    }),
  );
  return svg(width, height, parts);
}

function curvePanel(figure: Figure, sections: readonly MeasuredSection[], box: Box): readonly string[] {
  const all = sections.flatMap(({ rows }) => rows);
  const scales = [...new Set(all.flatMap(({ scale }) => scale ?? []))].sort((a, b) => a - b);
  const range = rangeOf(all.flatMap((row) => row.figures[figure] ?? []));
  const most = Math.sqrt(Math.max(...scales));
  const x: Scale = (s) => linear(0, most, box.left + 8, box.left + box.width - 8)(Math.sqrt(s));
  const y = linear(range[0], range[1], box.top + box.height, box.top);
  const marks = ticks(range[0], range[1]);
  const step = stepOf(marks);
  const parts = [
    text(box.left, box.top - 12, figures[figure].title, { size: 13, weight: 'bold' }),
    text(box.left + box.width, box.top - 12, arrow(figure), { size: 11, colour: colours.faint, anchor: 'end' }),
    ...marks.flatMap((mark) => [
      line(box.left, y(mark), box.left + box.width, y(mark)),
      text(box.left - 7, y(mark) + 4, numberText(mark, step), {
        size: 11,
        colour: colours.faint,
        anchor: 'end',
      }),
    ]),
    ...scales.map((s) =>
      text(x(s), box.top + box.height + 17, String(s), { size: 11, colour: colours.faint, anchor: 'middle' }),
    ),
    text(box.left - 7, box.top + box.height + 17, 's =', { size: 11, colour: colours.faint, anchor: 'end' }),
  ];
  sections.forEach(({ rows }, series) => {
    const known = rows.flatMap(({ scale, figures: { [figure]: bar } }) =>
      bar && scale !== undefined ? [{ at: x(scale) + 3 * series, bar }] : [],
    );
    parts.push(
      path(
        known.map(({ at, bar }) => [at, y(bar.value)]),
        colourOf(series),
      ),
      ...known.map(({ at, bar }) => line(at, y(bar.low), at, y(bar.high), colourOf(series), 1.5)),
      ...known.map(({ at, bar }) => marker(at, y(bar.value), series)),
    );
  });
  return parts;
}

/** For each row its change against the first of its section, a column for each figure. */
function changes({ title, subtitle, figures: wanted }: Group, { sections }: MeasuredGroup): string {
  const shown = wanted.filter((figure) => sections.some(({ rows }) => rows.some((row) => row.change?.[figure])));
  return chartOfChanges({
    title,
    subtitle,
    columns: shown.map((figure) => figures[figure]),
    sections: sections.map(({ title, pictures, rows }) => ({
      title: [title, `n = ${pictures.toLocaleString('en')}`].filter(Boolean).join(', '),
      rows: rows.slice(1).map(({ label, change }) => ({ label, changes: shown.map((figure) => change?.[figure]) })),
    })),
    note:
      'Change against no guidance from the same noise, with 95 % bootstrap intervals in pairs. ' +
      'Grey: not to be told from no change. n: pictures of each.',
  });
}

/** What has changed, and by how much. */
export interface Changes {
  readonly title: string;
  readonly subtitle: string;
  /** A panel for each. */
  readonly columns: readonly Column[];
  readonly sections: readonly ChangedSection[];
  /** The line below. */
  readonly note: string;
}

/** A figure, and which way is up. */
interface Column {
  readonly title: string;
  readonly better: 'lower' | 'higher';
}

interface ChangedSection {
  readonly title: string;
  /** Each with its change in every column, where it is known. */
  readonly rows: readonly { readonly label: string; readonly changes: readonly (Bar | undefined)[] }[];
}

const rowHeight = 26;
const sectionHeight = ({ rows }: ChangedSection): number => 30 + rowHeight * rows.length + 10;

/** Changes with their intervals, a row for each, a column for each figure, as SVG. */
export function chartOfChanges({ title, subtitle, columns, sections, note }: Changes): string {
  const labels = 200;
  const panelWidth = 190;
  const gap = 28;
  const top = header + margin + 26;
  const body = sections.reduce((sum, section) => sum + sectionHeight(section), 0);
  const width = 2 * margin + labels + columns.length * panelWidth + (columns.length - 1) * gap;
  const height = top + body + 76;

  const parts = [...heading({ title, subtitle })];
  columns.forEach((column, place) => {
    const box = { left: margin + labels + place * (panelWidth + gap), top, width: panelWidth, height: body };
    parts.push(...changePanel(column, place, sections, box));
  });
  let at = top;
  for (const section of sections) {
    parts.push(text(margin, at + 17, section.title, { size: 11, weight: 'bold', colour: colours.faint }));
    parts.push(...section.rows.map(({ label }, i) => text(margin, at + 30 + rowHeight * i + 17, label)));
    at += sectionHeight(section);
  }
  parts.push(text(margin, height - 20, note, { size: 11, colour: colours.faint }));
  return svg(width, height, parts);
}

function changePanel(column: Column, place: number, sections: readonly ChangedSection[], box: Box): readonly string[] {
  const bars = sections.flatMap(({ rows }) => rows.flatMap(({ changes }) => changes[place] ?? []));
  const range = rangeOf(bars, [0]);
  const x = linear(range[0], range[1], box.left, box.left + box.width);
  const parts = [...panelHeading(column, box), ...panelMarks(range, x, box)];
  let at = box.top;
  for (const section of sections) {
    for (const [i, { changes }] of section.rows.entries())
      parts.push(...changeMark(changes[place], column, x, at + 30 + rowHeight * i + 13));
    at += sectionHeight(section);
  }
  return parts;
}

function panelHeading({ title, better }: Column, box: Box): readonly string[] {
  const way = better === 'lower' ? '← better' : 'better →';
  return [
    text(box.left, box.top - 28, title, { size: 13, weight: 'bold' }),
    text(box.left + box.width, box.top - 28, way, { size: 11, colour: colours.faint, anchor: 'end' }),
  ];
}

function panelMarks(range: readonly [number, number], x: Scale, box: Box): readonly string[] {
  const marks = ticks(range[0], range[1], 3);
  const step = stepOf(marks);
  const bottom = box.top + box.height;
  return marks.flatMap((mark) => [
    line(x(mark), box.top, x(mark), bottom, mark === 0 ? colours.faint : colours.rule, mark === 0 ? 1.25 : 1),
    text(x(mark), bottom + 16, signed(mark, step), { size: 11, colour: colours.faint, anchor: 'middle' }),
  ]);
}

/** Blue is better, vermilion is worse, hollow is neither. */
function changeMark(bar: Bar | undefined, column: Column, x: Scale, y: number): readonly string[] {
  if (!bar) return [];
  const colour = changeColour(bar, column);
  const fill = isSure(bar) ? colour : '#ffffff';
  const circle = `cx="${x(bar.value).toFixed(2)}" cy="${y}" r="4.5"`;
  return [
    line(x(bar.low), y, x(bar.high), y, colour, 2),
    `<circle ${circle} stroke="${colour}" stroke-width="2" fill="${fill}"/>`,
  ];
}

function changeColour(bar: Bar, { better }: Column): string {
  if (!isSure(bar)) return colours.faint;
  const isBetter = better === 'lower' ? bar.value < 0 : bar.value > 0;
  return isBetter ? palette[0] : palette[1];
}

/** How far marks lie apart. */
function stepOf([first = 0, second = first]: readonly number[]): number {
  return second - first;
}

function signed(value: number, step: number): string {
  return value > 0 ? `+${numberText(value, step)}` : numberText(value, step);
}
