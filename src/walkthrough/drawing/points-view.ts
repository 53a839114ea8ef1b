/** Points of the plane above the lines that they shall lie on, and how they get there. */
import type { Tensor } from '../../tensor/tensor.ts';
import { pointsOf, type Shape } from '../training/shapes.ts';
import { element, setAttributes, svg } from './dom.ts';
import { framePlayer } from './frame-player.ts';
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

/** @param label what the view shows */
export function pointsView(label: string): PointsView {
  const lines = svg('path', { class: 'shape' });
  const points = svg('path', { class: 'points' });
  const look = { viewBox: `${-reach} ${-reach} ${2 * reach} ${2 * reach}`, role: 'img', 'aria-label': label };
  let shape: Shape | undefined;
  const showFrames = framePlayer<Tensor>((frame) => setAttributes(points, { d: frame && dots(pointsOf(frame)) }));
  return {
    root: element('div', { class: 'toy-plot plain' }, svg('svg', look, lines, points)),
    showShape(next) {
      if (next === shape) return;
      shape = next;
      setAttributes(lines, { d: next.map((line) => `M${line.map(([x, y]) => `${x} ${-y}`).join('L')}`).join('') });
    },
    showFrames,
  };
}
