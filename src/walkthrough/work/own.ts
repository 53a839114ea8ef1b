/** A letter of the reader's own: which pixels have ink, and the picture that it is for the model. */
import { tensor, type Tensor } from '../../tensor/tensor.ts';
import { side } from '../study.ts';

/** Ink as a text: a bit for each pixel, row by row, four to a hexadecimal digit. */
export type Ink = string;

const digits = (side * side) / 4;

/** Whether a text is ink. */
export function isInk(text: string): boolean {
  return text.length === digits && /^[0-9a-f]*$/.test(text);
}

/** No ink. */
export const blank: Ink = '0'.repeat(digits);

/** Whether the pixels have ink, row by row. */
export function pixelsOf(ink: Ink): readonly boolean[] {
  return [...ink].flatMap((digit) => [8, 4, 2, 1].map((bit) => (parseInt(digit, 16) & bit) !== 0));
}

/** How far from its middle the pen leaves ink, in pixels. */
const pen = 1.6;

/** The ink after a touch of the pen, or, with `leaves` false, of the rubber. @param touched column and row */
export function penned(ink: Ink, [x, y]: readonly [number, number], leaves = true): Ink {
  const pixels = pixelsOf(ink).map((had, i) =>
    Math.hypot((i % side) - x, Math.floor(i / side) - y) < pen ? leaves : had,
  );
  return Array.from({ length: digits }, (_, i) =>
    [0, 1, 2, 3].reduce((digit, k) => 2 * digit + (pixels[4 * i + k] ? 1 : 0), 0).toString(16),
  ).join('');
}

/** The picture, [1,1,H,W] from −1 to 1, with soft edges, as the letters have that the model knows. */
export function pictureOf(ink: Ink): Tensor {
  const pixels = pixelsOf(ink);
  const at = (x: number, y: number): number => (x >= 0 && x < side && pixels[y * side + x] ? 1 : -1);
  const softened = Float32Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    const around = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
    return (4 * at(x, y) + around) / 8;
  });
  return tensor('f32', [1, 1, side, side], softened);
}

/** What stands on the paper before the reader draws, row by row: a hasty R. */
export const scrawl: Ink = [
  ...['00000000', '00000000', '00000000', '00000000', '00000000', '00000000', '007ff000', '007ff000'],
  ...['007ff800', '00707c00', '00703c00', '00703c00', '00707c00', '00707800', '0073f800', '007ff000'],
  ...['007fe000', '007fc000', '003be000', '0039f000', '0038f800', '00387c00', '00383e00', '00381f00'],
  ...['00380f00', '00380700', '00380000', '00000000', '00000000', '00000000', '00000000', '00000000'],
].join('');
