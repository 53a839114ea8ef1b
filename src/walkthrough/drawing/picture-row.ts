/** Pictures side by side with a title before them: a batch, of a run as far as it has come. */
import type { SamplingStep } from '../../sampling/sample.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { RunRequest } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { latestPicture, sampleOf } from '../requests.ts';
import { showDigest } from './digest.ts';
import { element, setAttributes } from './dom.ts';
import { paintLetter, pictureCanvas } from './picture.ts';

/** A row. */
export interface PictureRow {
  readonly root: HTMLElement;
  /** Shows the batch on the first of its canvases. */
  show(request: RunRequest, answer: Answer<SamplingStep>): void;
}

/** What holds a canvas, and the canvas. */
export interface PicturePlace {
  readonly root: HTMLElement;
  readonly canvas: HTMLCanvasElement;
}

/** So many canvases that show, and cannot be pressed. */
export function plainPlaces(title: string, count: number): readonly PicturePlace[] {
  return Array.from({ length: count }, (_, i) => {
    const canvas = pictureCanvas(`picture ${i + 1}, ${title}`);
    return { root: canvas, canvas };
  });
}

/**
 * @param title that stands before it
 * @param kind of the guidance, for the style sheet and tests
 * @param places of its pictures
 */
export function pictureRow(title: string, kind: string, places: readonly PicturePlace[]): PictureRow {
  const { root, show } = batchRow(title, kind, places);
  for (const place of places) setAttributes(place.root, { hidden: true });
  return {
    root,
    show(request, answer) {
      const batch = latestPicture(request, answer);
      show(batch, request.slices.length, answer.done && !answer.problem);
      setAttributes(root, { 'data-steps': answer.results.length });
    },
  };
}

/** A row of whatever batch. */
export interface BatchRow {
  readonly root: HTMLElement;
  /**
   * Shows the first `count` pictures of a batch; that there are none yet, without one.
   * @param isDone whether it is what comes out in the end: then its fingerprint is shown
   */
  show(batch: Tensor | undefined, count: number, isDone: boolean): void;
}

/** The parameters are those of `pictureRow`. */
export function batchRow(title: string, kind: string, places: readonly PicturePlace[]): BatchRow {
  const root = element(
    'div',
    { class: 'word-row', 'data-guidance': kind },
    element('span', { class: 'row-title' }, title),
    ...places.map((place) => place.root),
  );
  return {
    root,
    show(batch, count, isDone) {
      for (const [i, place] of places.entries()) {
        setAttributes(place.root, { hidden: i >= count });
        if (i < count) paintLetter(place.canvas, batch && sampleOf(batch, i).data);
      }
      root.style.setProperty('--letters', String(count));
      showDigest(root, isDone ? batch : undefined);
    },
  };
}
