/** The measurements of the usual inverse problems (Chung et al. 2023, arXiv 2209.14687), each by its rows. */
import { at } from '../tensor/at.ts';
import { checkTensor, finite, whole } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { exp } from '../tensor/math/index.ts';
import { reflect } from '../nn/gaussian.ts';
import { shapeText, type Tensor } from '../tensor/tensor.ts';
import type { Measurement, Size } from './measurement.ts';

/** All of the picture, as it is: with noise on it, what is to be restored is denoised. */
export const everything: Measurement = {
  name: 'denoise',
  sizeOf: (picture) => picture,
  rowAt: (y, x, _picture, add) => add(y, x, 1),
};

/**
 * The pixels that a mask keeps; of the others, 0 is measured.
 * @param hidden [1,1,H,W]: 1 where the picture is not seen, 0 where it is (as the masks of inpainting)
 * @throws InputError for a mask of another shape
 */
export function inpainting(name: string, hidden: Tensor): Measurement {
  checkTensor('the mask', hidden);
  const { shape, data } = hidden;
  const [one, channels, height, width] = shape;
  if (shape.length !== 4 || one !== 1 || channels !== 1)
    throw new InputError(`the mask has shape ${shapeText(shape)}; it must be [1,1,H,W]`);
  return {
    name,
    sizeOf(picture) {
      if (picture[0] === height && picture[1] === width) return picture;
      throw new InputError(`the mask is ${height} × ${width}, but the picture ${picture.join(' × ')}`);
    },
    rowAt(y, x, [, across], add) {
      if (at(data, y * across + x) === 0) add(y, x, 1);
    },
  };
}

/**
 * The mean of every square of pixels: what a coarser camera sees.
 * @param factor how many pixels a side of the square has, from 1
 */
export function superResolution(factor: number): Measurement {
  whole(1)('the factor', factor);
  return {
    name: `sr${factor}`,
    sizeOf([height, width]) {
      if (height % factor === 0 && width % factor === 0) return [height / factor, width / factor];
      throw new InputError(
        `a picture of ${height} × ${width} has no squares of ${factor} × ${factor} pixels throughout`,
      );
    },
    rowAt(y, x, _picture, add) {
      for (let dy = 0; dy < factor; dy++)
        for (let dx = 0; dx < factor; dx++) add(factor * y + dy, factor * x + dx, 1 / factor ** 2);
    },
  };
}

/**
 * A Gaussian blur, cut off at three σ. Beyond its edges a picture is its own mirror image, the edge not repeated.
 * @param sigma σ in pixels, above 0
 */
export function gaussianBlur(sigma: number): Measurement {
  finite(Number.MIN_VALUE)('sigma', sigma);
  const radius = Math.ceil(3 * sigma);
  const reach = Array.from({ length: 2 * radius + 1 }, (_, i) => i - radius);
  const weights = reach.map((d) => exp(-(d * d) / (2 * sigma * sigma)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const spots = reach.flatMap((dy, i) =>
    reach.map((dx, j): Spot => [dy, dx, (at(weights, i) * at(weights, j)) / total ** 2]),
  );
  return blur('gaussian-blur', spots, radius);
}

/**
 * The blur of a camera that moves along the diagonal while it looks: the mean over a stretch of pixels.
 * @param length of the stretch in pixels, an odd number from 1
 */
export function motionBlur(length: number): Measurement {
  whole(1)('the length', length);
  if (length % 2 === 0) throw new InputError(`the length is ${length}; it must be odd, to have a middle`);
  const radius = (length - 1) / 2;
  const spots = Array.from({ length }, (_, i): Spot => [i - radius, i - radius, 1 / length]);
  return blur('motion-blur', spots, radius);
}

/** A pixel beside the one that is measured, and its weight. */
type Spot = readonly [dy: number, dx: number, weight: number];

function blur(name: string, spots: readonly Spot[], radius: number): Measurement {
  return {
    name,
    sizeOf(picture: Size) {
      if (Math.min(...picture) > radius) return picture;
      throw new InputError(
        `a blur that reaches ${radius} pixels far needs pictures of more than ${radius}, not ${picture.join(' × ')}`,
      );
    },
    rowAt(y, x, [height, width], add) {
      for (const [dy, dx, weight] of spots) add(reflect(y + dy, height), reflect(x + dx, width), weight);
    },
  };
}
