/** Pictures side by side with a title before them: a batch of a run as far as it has come. */
import type { SamplingStep } from '../../sampling/sample.ts';
import type { RunRequest } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { latestPicture, sampleOf } from '../requests.ts';
import { showDigest } from './digest.ts';
import { element, setAttributes } from './dom.ts';
import { paintLetter } from './picture.ts';

/** A row. */
export interface PictureRow {
  readonly root: HTMLElement;
  /** Shows the batch on the first of its canvases. */
  show(request: RunRequest, answer: Answer<SamplingStep>): void;
}

/**
 * @param title that stands before it
 * @param kind of the guidance, for the style sheet and tests
 * @param places what holds each canvas, and the canvas
 */
export function pictureRow(
  title: string,
  kind: string,
  places: readonly { readonly root: HTMLElement; readonly canvas: HTMLCanvasElement }[],
): PictureRow {
  const root = element(
    'div',
    { class: 'word-row', 'data-guidance': kind },
    element('span', { class: 'row-title' }, title),
    ...places.map((place) => place.root),
  );
  for (const place of places) setAttributes(place.root, { hidden: true });
  return {
    root,
    show(request, answer) {
      const batch = latestPicture(request, answer);
      const count = request.slices.length;
      for (const [i, place] of places.entries()) {
        setAttributes(place.root, { hidden: i >= count });
        if (i < count) paintLetter(place.canvas, sampleOf(batch, i).data);
      }
      root.style.setProperty('--letters', String(count));
      setAttributes(root, { 'data-steps': answer.results.length });
      showDigest(root, answer.done && !answer.problem ? batch : undefined);
    },
  };
}
