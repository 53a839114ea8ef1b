/**
 * Winograd's convolution as products of matrices, one for each place of a tile.
 *
 *     sums [O, tiles] = weights [O, C] · pixels [C, tiles]
 *
 * Against definition/winograd-conv2d: pixels are transformed for all tiles of a picture before any is multiplied, and
 * the tiles of a channel side by side: a term of each at a time, and what neighbours share of a transform once.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { winogradTransforms, type Matrix } from '../definition/winograd.ts';
import type { Padding, WinogradWidth } from '../kernels.ts';
import { combine, type Grid } from './combine.ts';
import { sampleOf, type Picture } from './conv2d.ts';
import { matmul } from './matmul.ts';

/** A product of matrices [rows, inner] · [inner, columns], as sums of an order of its own. */
export type WinogradProduct = (
  a: FloatArray,
  b: FloatArray,
  rows: number,
  inner: number,
  columns: number,
) => FloatArray;

/** As in definition/winograd-conv2d. */
export function winogradConv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  width: WinogradWidth,
  padding: Padding,
): Tensor {
  const out = winogradSums(x, winogradWeights(weight, width), width, padding, (a, b, rows, inner, columns) => {
    const sums = allocate(x.dtype, rows * columns);
    matmul(sums, a, b, rows, inner, columns);
    return sums;
  });
  const [batch, outChannels, outHeight, outWidth] = out.shape;
  const pixels = outHeight * outWidth;
  if (bias)
    for (let plane = 0; plane < batch * outChannels; plane++)
      for (let i = plane * pixels; i < (plane + 1) * pixels; i++) out.data[i] += bias.data[plane % outChannels];
  roundInPlace(out.dtype, out.data);
  return out;
}

/**
 * The same without a bias, not yet rounded to what a 16-bit dtype stores, with products by `product`.
 * @param weights those of `winogradWeights` for this width
 * @param back the matrices of rows and of columns that make outputs of sums
 */
export function winogradSums(
  x: Tensor,
  { outChannels, places }: TransformedWeights,
  width: WinogradWidth,
  padding: Padding,
  product: WinogradProduct,
  back: readonly [Matrix, Matrix] = [winogradTransforms[2].output, winogradTransforms[width].output],
): Tensor {
  const [batch, channels, height, pictureWidth] = x.shape;
  const outHeight = height + padding.top + padding.bottom - 2;
  const outWidth = pictureWidth + padding.left + padding.right - 2;
  const cut: Cut = {
    width,
    rows: Math.ceil(outHeight / 2),
    columns: Math.ceil(outWidth / width),
    outHeight,
    outWidth,
  };
  const tiles = cut.rows * cut.columns;
  const out = allocate(x.dtype, batch * outChannels * outHeight * outWidth);
  const pixels = placesOf(width).map(() => allocate(x.dtype, channels * tiles));
  for (let b = 0; b < batch; b++) {
    const picture = { channels, height, width: pictureWidth, data: sampleOf(x, b) };
    transformPixels(pixels, picture, cut, padding);
    const sums = pixels.map((of, place) => product(places[place], of, outChannels, channels, tiles));
    writeTiles(out, b * outChannels, sums, cut, back);
  }
  return tensor(x.dtype, [batch, outChannels, outHeight, outWidth], out);
}

/** How the outputs are cut into tiles of 2 × `width`. */
interface Cut {
  readonly width: WinogradWidth;
  readonly rows: number;
  readonly columns: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** The places of a tile's sums, by number. */
function placesOf(width: WinogradWidth): readonly number[] {
  return Array.from({ length: 4 * (width + 2) }, (_, place) => place);
}

/** What has become of weights [O,C,3,3]. */
export interface TransformedWeights {
  /** O. */
  readonly outChannels: number;
  /** [O,C] of each place of a tile. */
  readonly places: readonly FloatArray[];
}

/** The transformed weights of a convolution. */
export function winogradWeights(
  { dtype, shape: [outChannels, channels], data }: Tensor,
  width: WinogradWidth,
): TransformedWeights {
  const places = placesOf(width).map(() => allocate(dtype, outChannels * channels));
  const [vertical, horizontal] = [winogradTransforms[2].weight, winogradTransforms[width].weight];
  const kernels = { lines: 1, count: outChannels * channels };
  // In double precision up to the end, as in the definition.
  const half = new Float64Array(12 * kernels.count);
  const whole = new Float64Array(kernels.count);
  const ofHalf = (number: number): Grid => ({ data: half, start: number * kernels.count, line: 0, step: 1 });
  vertical.forEach((row, i) => {
    for (let j = 0; j < 3; j++)
      combine(ofHalf(3 * i + j), kernels, row, (k) => ({ data, start: 3 * k + j, line: 0, step: 9 }));
    horizontal.forEach((factors, j) => {
      combine({ data: whole, start: 0, line: 0, step: 1 }, kernels, factors, (k) => ofHalf(3 * i + k));
      places[i * horizontal.length + j].set(whole);
    });
  });
  return { outChannels, places };
}

/** pixels[place][c, tile] = the transform of what lies under the tile. */
function transformPixels(
  pixels: readonly FloatArray[],
  { channels, height, width: pictureWidth, data }: Picture,
  { width, rows, columns }: Cut,
  { top, left }: Padding,
): void {
  const [vertical, horizontal] = [winogradTransforms[2].input, winogradTransforms[width].input];
  // Four lines lie under a row of tiles, and four are what their columns become.
  const length = width * columns + 2;
  const size = rows * length;
  const [under, half] = [0, 1].map(() => zerosLike(pixels[0], 4 * size));
  const lineOf = (of: FloatArray, number: number): Grid => ({ data: of, start: number * size, line: 0, step: 1 });
  for (let c = 0; c < channels; c++) {
    for (let k = 0; k < 4; k++) {
      for (let row = 0; row < rows; row++) {
        const y = 2 * row + k - top;
        const from = (c * height + y) * pictureWidth;
        if (y >= 0 && y < height) under.set(data.subarray(from, from + pictureWidth), k * size + row * length + left);
      }
    }
    vertical.forEach((factors, i) => {
      combine(lineOf(half, i), { lines: 1, count: size }, factors, (k) => lineOf(under, k));
      horizontal.forEach((row, j) => {
        const to = { data: pixels[i * horizontal.length + j], start: c * rows * columns, line: columns, step: 1 };
        const at = (k: number): Grid => ({ data: half, start: i * size + k, line: length, step: width });
        combine(to, { lines: rows, count: columns }, row, at);
      });
    });
  }
}

/** The outputs of the sums [O, tiles] of each place, into the planes from number `first` on. */
function writeTiles(
  out: FloatArray,
  first: number,
  sums: readonly FloatArray[],
  { width, rows, columns, outHeight, outWidth }: Cut,
  [vertical, horizontal]: readonly [Matrix, Matrix],
): void {
  const tiles = rows * columns;
  const outChannels = sums[0].length / tiles;
  const half = zerosLike(out, (width + 2) * tiles);
  const ofHalf = (number: number): Grid => ({ data: half, start: number * tiles, line: columns, step: 1 });
  // Whole tiles, which may reach beyond the picture.
  const length = width * columns;
  const plane = zerosLike(out, 2 * rows * length);
  for (let o = 0; o < outChannels; o++) {
    vertical.forEach((factors, i) => {
      for (let j = 0; j < width + 2; j++) {
        const at = (k: number): Grid => ({ ...ofHalf(0), data: sums[k * (width + 2) + j], start: o * tiles });
        combine(ofHalf(j), { lines: rows, count: columns }, factors, at);
      }
      horizontal.forEach((row, j) => {
        const to = { data: plane, start: i * length + j, line: 2 * length, step: width };
        combine(to, { lines: rows, count: columns }, row, ofHalf);
      });
    });
    for (let y = 0; y < outHeight; y++)
      out.set(plane.subarray(y * length, y * length + outWidth), ((first + o) * outHeight + y) * outWidth);
  }
}

/** So many zeros, held as `numbers` are. */
function zerosLike(numbers: FloatArray, size: number): FloatArray {
  return allocate(numbers instanceof Float32Array ? 'f32' : 'f64', size);
}
