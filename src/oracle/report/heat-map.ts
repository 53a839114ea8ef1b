/** Where in a tap the deviations are, as a picture. */
import type { TapReport } from '../check.ts';
import { tag } from './markup.ts';
import { short } from './sentences.ts';

/** Few enough cells, in height and in width, that a page stays small. */
const mostCells = 64;

/** One square for each place, or for each few neighbouring places where they are many: the largest deviation there. */
export function heatMap({ heat: { height, width, heat }, chained }: TapReport): string {
  const [rows, columns] = [Math.min(height, mostCells), Math.min(width, mostCells)];
  const cells = Array.from({ length: rows * columns }, () => 0);
  heat.forEach((value, at) => {
    const row = Math.floor((Math.floor(at / width) * rows) / height);
    const cell = row * columns + Math.floor(((at % width) * columns) / width);
    cells[cell] = Math.max(cells[cell] ?? 0, Number.isFinite(value) ? value : Infinity);
  });
  const most = Math.max(chained.budget.max, ...cells.filter(Number.isFinite));
  const size = Math.max(4, Math.min(24, Math.floor(480 / Math.max(rows, columns))));
  const squares = cells.map((value, at) => square(value, at % columns, Math.floor(at / columns), size, most));
  return tag(
    'svg',
    {
      class: 'heat',
      width: columns * size,
      height: rows * size,
      role: 'img',
      'aria-label': 'deviation at each place',
    },
    squares.join(''),
  );
}

/** @param most the deviation that has the full colour */
function square(value: number, column: number, row: number, size: number, most: number): string {
  const strength = Number.isFinite(value) ? Math.log1p(value) / Math.log1p(most) : 1;
  return tag(
    'rect',
    {
      x: column * size,
      y: row * size,
      width: size,
      height: size,
      style: `--heat:${Math.round(strength * 100)}%`,
    },
    `<title>row ${row}, column ${column}: ${short(value)}</title>`,
  );
}
