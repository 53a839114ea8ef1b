/** The results of a run as a picture: a panel for each case, in it a bar for each contender, on one thread. */
import { colourOf, colours, line, svg, text } from '../evaluation/svg.ts';
import { casesOf, turnsText, type Measurement, type Members, type Results } from './results.ts';
import { markOf, milliseconds } from './table.ts';

const [width, barHeight, panelGap, columns] = [940, 18, 26, 2];
const panel = { names: 132, bars: 240, width: width / columns };
const top = 62;

/** SVG of the times of a run, ours in another colour than all others; a thin line goes over all turns. */
export function chart(results: Results): string {
  const panels = casesOf(results, 1);
  const rows = Array.from({ length: Math.ceil(panels.length / columns) }, (_, row) =>
    panels.slice(columns * row, columns * (row + 1)),
  );
  let y = top;
  const parts: string[] = [];
  for (const row of rows) {
    parts.push(...row.flatMap((of, column) => panelOf(of, 16 + column * panel.width, y)));
    y += 20 + barHeight * Math.max(...row.map(({ members }) => members.length)) + panelGap;
  }
  const { processor, date, turns } = results;
  const subtitle = `${processor}, ${date}; medians and ranges of ${turnsText(turns)}; shorter is better`;
  return svg(width, y - panelGap + 16, [
    text(16, 26, 'A pass on one thread: milliseconds of processor time', { size: 16, weight: 'bold' }),
    text(16, 45, subtitle, { colour: colours.faint }),
    ...parts,
  ]);
}

function panelOf({ title, members }: Members, x: number, y: number): readonly string[] {
  const most = Math.max(...members.map(({ processor }) => processor.high));
  return [
    text(x, y + 12, title, { size: 13, weight: 'bold' }),
    ...members.flatMap((one, i) => barOf(one, x, y + 20 + barHeight * i, panel.bars / most)),
  ];
}

/** @param scale pixels of a millisecond */
function barOf(one: Measurement, x: number, y: number, scale: number): readonly string[] {
  const { contender, ours, processor } = one;
  const [start, middle] = [x + panel.names, y + barHeight / 2 - 1];
  const { median, low, high } = processor;
  const [length, from, to] = [median, low, high].map((value) => (value * scale).toFixed(1));
  const fill = colourOf(ours ? 0 : 4);
  const end = start + Math.max(median, high) * scale;
  return [
    text(start - 8, y + 13, contender, { anchor: 'end' }),
    `<rect x="${start}" y="${y}" width="${length}" height="${barHeight - 3}" fill="${fill}"/>`,
    line(start + Number(from), middle, start + Number(to), middle, colours.ink, 1.5),
    text(end + 6, y + 13, milliseconds(median) + markOf(one)),
  ];
}
