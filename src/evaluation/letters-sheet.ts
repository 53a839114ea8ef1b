/**
 * A sheet of letters: each row of the picture is a font face, each column a letter, 32 × 32 pixels each
 * (`scripts/evaluation/held_out.py`).
 */
import { InputError } from '../tensor/errors.ts';
import { tensor, type Tensor } from '../tensor/tensor.ts';
import type { Picture } from '../formats/picture.ts';
import { letterCount } from './classifier.ts';

const SIZE = 32;

/**
 * The letters of a sheet, face by face.
 * @param source the picture's file, for messages
 * @returns [faces · 26, 1, 32, 32], from −1 (black) to 1 (white)
 * @throws InputError when the picture is no such sheet
 */
export function readLettersSheet({ width, height, channels, pixels }: Picture, source: string): Tensor {
  if (channels !== 1 || width !== letterCount * SIZE || height % SIZE !== 0) {
    throw new InputError(
      `${source} is ${width} × ${height} pixels with ${channels} channels; ` +
        `a sheet of letters is grey and ${letterCount * SIZE} pixels wide, ${SIZE} high for each face`,
    );
  }
  const faces = height / SIZE;
  const out = new Float32Array(faces * letterCount * SIZE * SIZE);
  const shades = new Float32Array(pixels).map((grey) => Math.fround(grey / 127.5) - 1);
  for (let face = 0; face < faces; face++) {
    for (let letter = 0; letter < letterCount; letter++) {
      for (let y = 0; y < SIZE; y++) {
        const start = (face * SIZE + y) * width + letter * SIZE;
        out.set(shades.subarray(start, start + SIZE), ((face * letterCount + letter) * SIZE + y) * SIZE);
      }
    }
  }
  return tensor('f32', [faces * letterCount, 1, SIZE, SIZE], out);
}
