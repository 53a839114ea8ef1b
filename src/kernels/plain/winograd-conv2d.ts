/**
 * Winograd's convolution as products of matrices, one for each place of a tile.
 *
 *     sums [O, tiles] = weights [O, C] · pixels [C, tiles]
 *
 * Against definition/winograd-conv2d: pixels are transformed for all tiles of a picture before any is multiplied, and
 * each transform writes where the one before it has written.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { rounding } from '../definition/rounding.ts';
import { rowTimesColumn, winogradTransforms, type Matrix } from '../definition/winograd.ts';
import type { Padding, WinogradWidth } from '../kernels.ts';
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
    transformPixels(pixels, picture, cut, padding, rounding(x.dtype));
    const sums = pixels.map((of, place) => product(places[place], of, outChannels, channels, tiles));
    writeTiles(out, b * outChannels, sums, cut, back, rounding(x.dtype));
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
  const transform = transformOf(winogradTransforms[2].weight, winogradTransforms[width].weight, (exact) => exact);
  for (let kernel = 0; kernel < outChannels * channels; kernel++) {
    const of = transform(data.subarray(9 * kernel, 9 * kernel + 9));
    for (let place = 0; place < of.length; place++) places[place][kernel] = of[place];
  }
  return { outChannels, places };
}

/** pixels[place][c, tile] = the transform of what lies under the tile. */
function transformPixels(
  pixels: readonly FloatArray[],
  picture: Picture,
  { width, rows, columns }: Cut,
  { top, left }: Padding,
  round: (exact: number) => number,
): void {
  const { channels, height, data } = picture;
  const transform = transformOf(winogradTransforms[2].input, winogradTransforms[width].input, round);
  const under = new Float64Array(pixels.length);
  for (let c = 0; c < channels; c++) {
    for (let tile = 0; tile < rows * columns; tile++) {
      const y = 2 * Math.floor(tile / columns) - top;
      const x = width * (tile % columns) - left;
      let at = 0;
      for (let i = y; i < y + 4; i++) {
        for (let j = x; j < x + width + 2; j++) {
          const inside = i >= 0 && i < height && j >= 0 && j < picture.width;
          under[at++] = inside ? data[(c * height + i) * picture.width + j] : 0;
        }
      }
      const of = transform(under);
      for (let place = 0; place < of.length; place++) pixels[place][c * rows * columns + tile] = of[place];
    }
  }
}

/** The outputs of the sums [O, tiles] of each place, into the planes from number `first` on. */
function writeTiles(
  out: FloatArray,
  first: number,
  sums: readonly FloatArray[],
  { width, rows, columns, outHeight, outWidth }: Cut,
  [vertical, horizontal]: readonly [Matrix, Matrix],
  round: (exact: number) => number,
): void {
  const outChannels = sums[0].length / (rows * columns);
  const transform = transformOf(vertical, horizontal, round);
  const ofTile = new Float64Array(sums.length);
  for (let o = 0; o < outChannels; o++) {
    for (let tile = 0; tile < rows * columns; tile++) {
      const at = o * rows * columns + tile;
      for (let place = 0; place < sums.length; place++) ofTile[place] = sums[place][at];
      const of = transform(ofTile);
      const y = 2 * Math.floor(tile / columns);
      const x = width * (tile % columns);
      for (let i = 0; i < Math.min(2, outHeight - y); i++)
        for (let j = 0; j < Math.min(width, outWidth - x); j++)
          out[((first + o) * outHeight + y + i) * outWidth + x + j] = of[i * width + j];
    }
  }
}

/** `transformed2d` of the definition, for many pictures: what it gives is overwritten by the next. */
function transformOf(
  vertical: Matrix,
  horizontal: Matrix,
  round: (exact: number) => number,
): (picture: FloatArray) => Float64Array {
  const width = horizontal[0].length;
  const columns = new Float64Array(vertical.length * width);
  const out = new Float64Array(vertical.length * horizontal.length);
  return (picture) => {
    for (let i = 0; i < vertical.length; i++)
      for (let j = 0; j < width; j++) columns[i * width + j] = rowTimesColumn(vertical[i], picture, j, width, round);
    for (let i = 0; i < vertical.length; i++)
      for (let j = 0; j < horizontal.length; j++)
        out[i * horizontal.length + j] = rowTimesColumn(horizontal[j], columns, i * width, 1, round);
    return out;
  };
}
