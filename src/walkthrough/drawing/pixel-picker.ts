/** Choosing a pixel of a square picture with a pointer, or with the arrow keys. */
import { side } from '../study.ts';
import { setAttributes } from './dom.ts';
import { followPointer, type PointerPlace } from './follow-pointer.ts';

/** Column and row. */
export type Pixel = readonly [x: number, y: number];

const moves: ReadonlyMap<string, Pixel> = new Map([
  ['ArrowLeft', [-1, 0]],
  ['ArrowRight', [1, 0]],
  ['ArrowUp', [0, -1]],
  ['ArrowDown', [0, 1]],
]);

/** Where an arrow key leads from a pixel, of a picture of so many in a row; undefined for other keys. */
export function neighbour([x, y]: Pixel, key: string, count: number): Pixel | undefined {
  const move = moves.get(key);
  return move && [inside(x + move[0], count), inside(y + move[1], count)];
}

/** The pixel that a pointer is on, or else the nearest one, of a picture of so many in a row. */
export function pixelUnder(picture: Element, { clientX, clientY }: PointerPlace, count: number): Pixel {
  const box = picture.getBoundingClientRect();
  const along = (part: number): number => inside(Math.floor(part * count), count);
  return [along((clientX - box.left) / box.width), along((clientY - box.top) / box.height)];
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
  followPointer(target, (place) => picked(pixelUnder(target, place, side)));
  target.addEventListener('keydown', (event) => {
    const next = neighbour(current(), event.key, side);
    if (!next) return;
    event.preventDefault();
    picked(next);
  });
}

function inside(at: number, count: number): number {
  return Math.min(Math.max(at, 0), count - 1);
}
