/** Choosing a pixel of a square picture with a pointer, or with the arrow keys. */
import { side } from '../study.ts';
import { setAttributes } from './dom.ts';
import { followPointer } from './follow-pointer.ts';

/** Column and row. */
export type Pixel = readonly [x: number, y: number];

const moves: ReadonlyMap<string, Pixel> = new Map([
  ['ArrowLeft', [-1, 0]],
  ['ArrowRight', [1, 0]],
  ['ArrowUp', [0, -1]],
  ['ArrowDown', [0, 1]],
]);

/** Where an arrow key leads; undefined for other keys. */
export function keyMove(key: string): Pixel | undefined {
  return moves.get(key);
}

/**
 * Lets the reader choose a pixel on an element that shows the picture.
 * @param current the pixel from which the arrow keys move
 * @param picked is told the pixel that was chosen
 */
export function pickPixel(target: HTMLElement, current: () => Pixel, picked: (pixel: Pixel) => void): void {
  setAttributes(target, {
    tabindex: 0,
    role: 'application',
    'aria-label': 'The picture. Arrow keys move the pixel that asks.',
  });
  followPointer(target, ({ clientX, clientY }) => {
    const box = target.getBoundingClientRect();
    const along = (part: number): number => inside(Math.floor(part * side));
    picked([along((clientX - box.left) / box.width), along((clientY - box.top) / box.height)]);
  });
  target.addEventListener('keydown', (event) => {
    const move = keyMove(event.key);
    if (!move) return;
    event.preventDefault();
    const [x, y] = current();
    picked([inside(x + move[0]), inside(y + move[1])]);
  });
}

function inside(at: number): number {
  return Math.min(Math.max(at, 0), side - 1);
}
