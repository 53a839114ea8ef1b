/** From a picture to the numbers that a model draws. */
import { withParts } from '../tensor/checks.ts';
import { cast } from '../tensor/rounding.ts';
import { tensor, type DType, type Tensor } from '../tensor/tensor.ts';
import type { Picture } from './picture.ts';

const aPicture = withParts<Picture>('a picture, as decodePng gives it', 'width', 'height', 'channels', 'pixels');

/** Grey of colour, as Pillow's mode "L" has it: (299 R + 587 G + 114 B)/1000, in multiples of 2^−16, rounded. */
export function toGrey(picture: Picture): Picture {
  aPicture('the picture', picture);
  const { width, height, channels, pixels } = picture;
  if (channels === 1) return { width, height, channels, pixels };
  const grey = Uint8Array.from({ length: width * height }, (_, i) => {
    const [red = 0, green = 0, blue = 0] = pixels.subarray(3 * i, 3 * i + 3);
    return (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;
  });
  return { width, height, channels: 1, pixels: grey };
}

/**
 * The pixels, channel by channel, [C,H,W].
 * @param channels 1 makes grey of colour, 3 gives grey three times
 */
export function planesOf(picture: Picture, channels: 1 | 3): Uint8Array {
  const { width, height, channels: stored, pixels } = channels === 1 ? toGrey(picture) : picture;
  const area = width * height;
  return Uint8Array.from(
    { length: channels * area },
    (_, i) => pixels[(i % area) * stored + Math.min(Math.floor(i / area), stored - 1)] ?? 0,
  );
}

/**
 * The picture as a sample, [1,C,H,W], its bytes 0 to 255 as −1 to 1, float32 as in diffusers' `VaeImageProcessor`, then
 * rounded to the precision of the run.
 * @param channels 1 makes grey of colour, 3 gives grey three times
 */
export function pictureTensor(picture: Picture, channels: 1 | 3, dtype: DType): Tensor {
  aPicture('the picture', picture);
  const { width, height } = picture;
  const values = new Float32Array(planesOf(picture, channels)).map(
    (byte) => Math.fround(2 * Math.fround(byte / 255)) - 1,
  );
  return cast(tensor('f32', [1, channels, height, width], values), dtype);
}

/**
 * A mask, [1,1,H,W]: 1 where the picture is white, 0 where it is black; grey is white from 128 on, the first byte above
 * ½ of 255, as in `VaeImageProcessor.binarize`.
 */
export function maskTensor(picture: Picture, dtype: DType): Tensor {
  const { width, height, pixels } = toGrey(picture);
  const values = new Float32Array(pixels).map((byte) => (byte >= 128 ? 1 : 0));
  return cast(tensor('f32', [1, 1, height, width], values), dtype);
}
