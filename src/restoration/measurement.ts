/**
 * Linear measurements of pictures: what an inverse problem has in the place of the picture. A measurement A is given by
 * its rows, in one channel: which pixels a measured value adds up, and with which weights. From the rows follow both A
 * and its transpose, so that neither can be wrong without the other.
 */
import { checkTensor, mustBe, withMethods } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import { sameShape, shapeText, tensor, type Tensor } from '../tensor/tensor.ts';

/** Height and width of a channel. */
export type Size = readonly [height: number, width: number];

/** A measurement of every channel alike. */
export interface Measurement {
  /** The task, as `super-resolution`. */
  readonly name: string;
  /** Height and width of what is measured of a picture. @throws InputError for a size that it cannot measure */
  sizeOf(picture: Size): Size;
  /**
   * Calls `add` with each pixel that the value in row y and column x adds up, and its weight: row and column within the
   * picture.
   */
  rowAt(y: number, x: number, picture: Size, add: (y: number, x: number, weight: number) => void): void;
}

/** A measurement. */
export const aMeasurement = withMethods<Measurement>('a measurement, as superResolution(4)', 'sizeOf', 'rowAt');
const aSize = mustBe(
  'height and width, as [32, 32]',
  (value) => Array.isArray(value) && value.length === 2 && value.every((side) => Number.isInteger(side) && side > 0),
);

/**
 * A x: what is measured of pictures.
 * @param picture [B,C,H,W]
 * @returns [B,C,H′,W′], each sum in double, rounded once
 * @throws InputError for what is no measurement, and pictures of a size that cannot be measured
 */
export function measure(measurement: Measurement, picture: Tensor): Tensor {
  aMeasurement('the measurement', measurement);
  const { planes, size, shape } = planesOf('the picture', picture);
  const [height, width] = measurement.sizeOf(size);
  const [rows, pixels] = [height * width, size[0] * size[1]];
  const sums = new Float64Array(planes * rows);
  forEachRow(measurement, size, (row, pixel, weight) => {
    for (let plane = 0; plane < planes; plane++)
      sums[plane * rows + row] = (sums[plane * rows + row] ?? 0) + weight * (picture.data[plane * pixels + pixel] ?? 0);
  });
  return cast(tensor('f64', [...shape.slice(0, 2), height, width], sums), picture.dtype);
}

/**
 * Aᵀ y: each measured value handed back to the pixels that it adds up, by their weights.
 * @param measured [B,C,H′,W′]
 * @param picture height and width of the picture
 * @returns [B,C,H,W]
 * @throws InputError for values that are not those of a picture of this size
 */
export function measureBack(measurement: Measurement, measured: Tensor, picture: Size): Tensor {
  aMeasurement('the measurement', measurement);
  aSize('the size of the picture', picture);
  const { planes, size, shape } = planesOf('what was measured', measured);
  const expected = measurement.sizeOf(picture);
  if (!sameShape(size, expected)) {
    throw new InputError(
      `what was measured is ${size.join(' × ')}; of a picture of ${picture.join(' × ')}, ${measurement.name} ` +
        `measures ${expected.join(' × ')}`,
    );
  }
  const [rows, pixels] = [size[0] * size[1], picture[0] * picture[1]];
  const sums = new Float64Array(planes * pixels);
  forEachRow(measurement, picture, (row, pixel, weight) => {
    for (let plane = 0; plane < planes; plane++)
      sums[plane * pixels + pixel] =
        (sums[plane * pixels + pixel] ?? 0) + weight * (measured.data[plane * rows + row] ?? 0);
  });
  return cast(tensor('f64', [...shape.slice(0, 2), ...picture], sums), measured.dtype);
}

/** Every weight, by the numbers of its row and its pixel in a channel. */
function forEachRow(
  measurement: Measurement,
  picture: Size,
  visit: (row: number, pixel: number, weight: number) => void,
): void {
  const [height, width] = measurement.sizeOf(picture);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      measurement.rowAt(y, x, picture, (row, column, weight) =>
        visit(y * width + x, row * picture[1] + column, weight),
      );
    }
  }
}

function planesOf(what: string, value: Tensor) {
  checkTensor(what, value);
  const [batch = 0, channels = 0, height = 0, width = 0] = value.shape;
  if (value.shape.length !== 4)
    throw new InputError(`${what} has shape ${shapeText(value.shape)}; it must be [B,C,H,W]`);
  return { planes: batch * channels, size: [height, width] as const, shape: value.shape };
}
