/** Samples as what a canvas takes. */
import { at } from '../tensor/at.ts';
import { checkTensor, whole } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { notDrawable, toByte } from './grid.ts';

/** An ImageData, or where the engine has none an object like it: four bytes for each pixel, the last of them opaque. */
export interface ImageDataLike {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, 255, pixel by pixel, row by row. */
  readonly data: ReturnType<typeof Uint8ClampedArray.of>;
  readonly colorSpace: 'srgb';
}

/**
 * A sample as a picture for `putImageData` or `createImageBitmap`.
 * @param samples [B,C,H,W] with 1, 3 or 4 channels (the fourth is left out), from −1 to 1
 * @param index which of them
 * @throws InputError for samples that are no pictures, and where there are not so many
 */
export function toImageData(samples: Tensor, index = 0): ImageDataLike {
  checkTensor('the samples', samples);
  const [batch = 0, channels = 0, height = 0, width = 0] = samples.shape;
  if (samples.shape.length !== 4 || ![1, 3, 4].includes(channels) || height * width === 0)
    throw notDrawable(samples.shape);
  whole(0, batch - 1)('the index', index);
  const size = height * width;
  const data = new Uint8ClampedArray(4 * size).fill(255);
  for (let channel = 0; channel < 3; channel++) {
    const start = (index * channels + (channels === 1 ? 0 : channel)) * size;
    for (let pixel = 0; pixel < size; pixel++) data[4 * pixel + channel] = toByte(at(samples.data, start + pixel));
  }
  const { ImageData } = globalThis as {
    ImageData?: new (data: Uint8ClampedArray<ArrayBuffer>, width: number) => ImageDataLike;
  };
  return ImageData ? new ImageData(data, width) : { width, height, data, colorSpace: 'srgb' };
}
