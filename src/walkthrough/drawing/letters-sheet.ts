/** Small letters in rows, as pictures on one sheet, and how they come out of the noise. */
import { at } from '../../tensor/at.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { noLetter } from '../study.ts';
import { framePlayer } from './frame-player.ts';
import { asPicture, paint, pictureCanvas, wipe, type Pixels } from './picture.ts';

/** So many letters stand in a row, so many pixels apart. */
const [columns, gap] = [7, 1];

/** A sheet. */
export interface LettersSheet {
  readonly root: HTMLCanvasElement;
  /** Shows how letters come to be, [N,1,H,W] each; of frames that are shown already, the one that it has come to. */
  show(frames: readonly Tensor[] | undefined): void;
}

/** An empty sheet. @param label what it shows */
export function lettersSheet(label: string): LettersSheet {
  const root = pictureCanvas(label, 'picture sheet');
  let sheet: Pixels | undefined;
  const play = framePlayer<Tensor>((frame) => {
    sheet = frame && sheetOf(frame);
    if (sheet) paint(root, sheet, asPicture);
    else wipe(root);
  });
  return {
    root,
    show(frames) {
      play(frames);
      // The colours may be others now.
      if (sheet) paint(root, sheet, asPicture);
    },
  };
}

/** All letters on one picture, from left to right and row by row, on paper. What comes behind Z has rows of its own. */
export function sheetOf({ shape: [count = 0, , height = 0, width = 0], data }: Tensor): Pixels {
  const rows = Math.ceil(placeOf(count) / columns);
  const [across, down] = [columns * (width + gap) + gap, rows * (height + gap) + gap];
  const values = new Float32Array(across * down).fill(-1);
  for (let i = 0; i < data.length; i++) {
    const [number, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    const [row, column] = [Math.floor(placeOf(number) / columns), placeOf(number) % columns];
    values[(gap + row * (height + gap) + y) * across + gap + column * (width + gap) + x] = at(data, i);
  }
  return { width: across, height: down, values };
}

/** The place of a letter, counted row by row. */
function placeOf(number: number): number {
  return number < noLetter ? number : number - noLetter + columns * Math.ceil(noLetter / columns);
}
