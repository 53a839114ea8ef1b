/** One sample as a picture, pixel for pixel. */
import { at } from '../tensor/at.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { notDrawable, toByte } from './grid.ts';
import type { Picture } from './picture.ts';

/**
 * Sample `index` of [B,C,H,W] with 1, 3 or 4 channels (the fourth is left out), from −1 to 1.
 * @throws InputError for samples that are no pictures
 */
export function samplePicture({ shape, data }: Tensor, index: number): Picture {
  const [, channels = 0, height = 0, width = 0] = shape;
  if (shape.length !== 4 || ![1, 3, 4].includes(channels)) throw notDrawable(shape);
  const shown = channels === 1 ? 1 : 3;
  const size = height * width;
  const pixels = Uint8Array.from({ length: shown * size }, (_, i) => {
    const [pixel, channel] = [Math.floor(i / shown), i % shown];
    return toByte(at(data, (index * channels + channel) * size + pixel));
  });
  return { width, height, channels: shown, pixels };
}
