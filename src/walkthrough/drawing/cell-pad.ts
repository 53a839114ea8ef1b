/**
 * A picture in cells that can be painted on: with a pointer, be it a finger, or with the arrow keys and the space bar.
 */
import { setAttributes } from './dom.ts';
import { followPointer } from './follow-pointer.ts';
import { outlined, type Outlined } from './outline.ts';
import { pictureCanvas } from './picture.ts';
import { neighbour, pixelUnder, type Pixel } from './pixel-picker.ts';

/** What is painted. */
export interface CellPad {
  /** Cells in a row. */
  readonly cells: number;
  /** What it is, for those who do not see it. */
  readonly label: string;
  /** Whether the next stroke sets what it touches, or takes it away; unless given, what its first cell was not. */
  readonly leaves?: () => boolean;
  isSet(cell: Pixel): boolean;
  set(cell: Pixel, value: boolean): void;
}

/** A stroke sets all that it touches to one value. */
export function cellPad({ cells, label, leaves, isSet, set }: CellPad): Outlined {
  const view = outlined(pictureCanvas(''));
  const { root, canvas } = view;
  let stroke = true;
  let cursor: Pixel = [Math.floor(cells / 2), Math.floor(cells / 2)];
  setAttributes(root, { tabindex: 0, role: 'application', 'aria-label': label, class: 'outlined pad' });
  root.addEventListener('pointerdown', (event) => {
    stroke = leaves?.() ?? !isSet(pixelUnder(canvas, event, cells));
  });
  followPointer(root, (place) => set(pixelUnder(canvas, place, cells), stroke), canvas);
  root.addEventListener('keydown', (event) => {
    const next = neighbour(cursor, event.key, cells);
    if (!next && event.key !== ' ') return;
    event.preventDefault();
    if (next) cursor = next;
    else set(cursor, !isSet(cursor));
    view.outline(cursor[0], cursor[1], cells);
  });
  return view;
}
