/** Points of the plane above the lines that they shall lie on, and how they get there. */
import type { Tensor } from '../../tensor/tensor.ts';
import { pointsOf, type Shape } from '../training/shapes.ts';
import { element, setAttributes, svg } from './dom.ts';
import { dots, reach } from './toy-view.ts';

/** A square of the plane. */
export interface PointsView {
  readonly root: HTMLElement;
  showShape(shape: Shape): void;
  /**
   * Shows how points move, from the first frame to the last, [N,1,1,2] each; for those who prefer it, the last one
   * only. Frames that are shown already go on as they are.
   */
  showFrames(frames: readonly Tensor[] | undefined): void;
}

/** How long points move, in milliseconds. */
const duration = 700;

/** @param label what the view shows */
export function pointsView(label: string): PointsView {
  const lines = svg('path', { class: 'shape' });
  const points = svg('path', { class: 'points' });
  const look = { viewBox: `${-reach} ${-reach} ${2 * reach} ${2 * reach}`, role: 'img', 'aria-label': label };
  let shape: Shape | undefined;
  let frames: readonly Tensor[] | undefined;
  const showFrame = (frame: Tensor | undefined): void => {
    setAttributes(points, { d: frame && dots(pointsOf(frame)) });
  };
  const play = (shown: readonly Tensor[], started: number): void => {
    requestAnimationFrame((now) => {
      if (frames !== shown) return;
      const share = Math.min(1, Math.max(0, now - started) / duration);
      showFrame(shown[Math.round(share * (shown.length - 1))]);
      if (share < 1) play(shown, started);
    });
  };
  return {
    root: element('div', { class: 'toy-plot plain' }, svg('svg', look, lines, points)),
    showShape(next) {
      if (next === shape) return;
      shape = next;
      setAttributes(lines, { d: next.map((line) => `M${line.map(([x, y]) => `${x} ${-y}`).join('L')}`).join('') });
    },
    showFrames(next) {
      if (next === frames) return;
      frames = next;
      if (next && !matchMedia('(prefers-reduced-motion: reduce)').matches) play(next, performance.now());
      else showFrame(next?.at(-1));
    },
  };
}
