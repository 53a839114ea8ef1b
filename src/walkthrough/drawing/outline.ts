/** A picture with a frame around one cell of a grid over it. */
import { element } from './dom.ts';

/** A canvas in its frame. */
export interface Outlined {
  readonly root: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** Frames the cell in this column and row of a grid of `cells` × `cells`. */
  outline(column: number, row: number, cells: number): void;
}

/** The frame is not seen before it has been put somewhere. */
export function outlined(canvas: HTMLCanvasElement): Outlined {
  const frame = element('span', { class: 'cell', hidden: true });
  return {
    root: element('div', { class: 'outlined' }, canvas, frame),
    canvas,
    outline(column, row, cells) {
      frame.hidden = false;
      frame.style.left = `${(column / cells) * 100}%`;
      frame.style.top = `${(row / cells) * 100}%`;
      frame.style.width = frame.style.height = `${100 / cells}%`;
    },
  };
}
