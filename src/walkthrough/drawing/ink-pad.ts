/** Paper with ink on it, to draw on and to rub out. */
import { side } from '../study.ts';
import { penned, pixelsOf, type Ink } from '../work/own.ts';
import { cellPad } from './cell-pad.ts';
import { button } from './controls.ts';
import type { Outlined } from './outline.ts';

/**
 * Strokes leave ink, also where they begin on ink, as most strokes of a letter do, until the rubber is pressed.
 *
 * @param what is to be drawn, as `a letter`
 * @param ink that is there
 * @param changed is told what is there after a touch
 */
export function inkPad(what: string, ink: () => Ink, changed: (ink: Ink) => void) {
  const rubber = button('rub out', 'rub-out', () =>
    rubber.setAttribute('aria-pressed', String(rubber.ariaPressed !== 'true')),
  );
  rubber.setAttribute('aria-pressed', 'false');
  const pad: Outlined = cellPad({
    cells: side,
    label: `Paper to draw ${what} on. Arrow keys move the pen, the space bar leaves ink, or takes it away.`,
    leaves: () => rubber.ariaPressed !== 'true',
    isSet: ([x, y]) => pixelsOf(ink())[y * side + x] === true,
    set: (place, leaves) => changed(penned(ink(), place, leaves)),
  });
  return { ...pad, rubber };
}
