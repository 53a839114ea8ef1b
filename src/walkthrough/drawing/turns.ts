/** Canvases take turns: of many that change at once some are painted in each frame, so that none takes long. */
import { onceAFrame } from '../frames.ts';

/** So many are painted in a frame: handing one over to the screen takes longer than painting it. */
const most = 8;
let left = most;
const waiting = new Map<HTMLCanvasElement, () => void>();

const nextFrame = onceAFrame(() => {
  left = most;
  for (const [canvas, paint] of [...waiting].slice(0, most)) inTurn(canvas, paint);
});

/** Paints a canvas in this frame or a later one. What it still waits for is forgotten. */
export function inTurn(canvas: HTMLCanvasElement, paint: () => void): void {
  waiting.delete(canvas);
  nextFrame();
  if (left === 0) {
    waiting.set(canvas, paint);
    return;
  }
  left -= 1;
  paint();
}

/** Forgets what a canvas waits for. */
export function outOfTurn(canvas: HTMLCanvasElement): void {
  waiting.delete(canvas);
}

/** Paints at once all that wait. */
export function paintWaiting(): void {
  for (const paint of waiting.values()) paint();
  waiting.clear();
}
