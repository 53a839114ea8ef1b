/** Paper with ink on it, to draw on and to rub out. */
import { side } from '../study.ts';
import { penned, pixelsOf, type Ink } from '../work/own.ts';
import { cellPad } from './cell-pad.ts';
import type { Outlined } from './outline.ts';

/**
 * @param what is to be drawn, as `a letter`
 * @param ink that is there
 * @param changed is told what is there after a touch
 */
export function inkPad(what: string, ink: () => Ink, changed: (ink: Ink) => void): Outlined {
  return cellPad({
    cells: side,
    label: `Paper to draw ${what} on. Arrow keys move the pen, the space bar leaves ink, or takes it away.`,
    drags: true,
    isSet: ([x, y]) => pixelsOf(ink())[y * side + x] === true,
    set: (place, leaves) => changed(penned(ink(), place, leaves)),
  });
}
