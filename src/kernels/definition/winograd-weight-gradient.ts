/**
 * The gradient of the weight of a convolution by 3 × 3 with fewer products: the way back through `winogradConv2d`, of
 * which it has the tiles and the matrices, turned around.
 *
 *     ∂L/∂weight[o,c] = Gᵀ ( Σ_b Σ_tiles (A gradient[b,o] Aᵀ) ⊙ (Bᵀ x[b,c] B) ) G
 *
 * gradient[b,o] is here the 2 × `width` pixels of a tile, x[b,c] the 4 × (width + 2) under it. In exact numbers that is
 * `conv2dWeightGradient` with a stride of 1; with rounding it is a definition of its own.
 */
import { allocate, extentOf, type Tensor } from '../../tensor/tensor.ts';
import type { Kernels, Padding, WinogradWidth } from '../kernels.ts';
import { rounding, stored } from './rounding.ts';
import { transformed2d, turned, winogradTransforms, type Matrix } from './winograd.ts';

/** Tiles that follow one another, in a row of tiles: what is not filled is zeros. */
const TOGETHER = 4;

const NO_PADDING: Padding = { top: 0, bottom: 0, left: 0, right: 0 };

/**
 * The order: pixels and gradients of a tile are transformed columns first, then rows, each step rounded. The products
 * of each of its 4 × (width + 2) places are added over the tiles of all samples, in runs, as in conv2dWeightGradient
 * over the pixels of one picture: sample by sample, row by row, each row of tiles filled up to a multiple of four. The
 * sums are transformed columns first, in double precision, and rounded once.
 * @param x [B,C,H,W], what the convolution was given
 * @param gradient [B,O,H′,W′], of its result
 * @param width of a tile: 2 or 4 outputs
 * @param padding of the convolution
 * @param conv2dWeightGradient adds the products of a place up, as those of pictures [1,C,T,4] and [1,O,T,4]
 * @returns [O,C,3,3]
 */
export function winogradWeightGradient(
  x: Tensor,
  gradient: Tensor,
  width: WinogradWidth,
  { top, left }: Padding,
  conv2dWeightGradient: Kernels['conv2dWeightGradient'],
): Tensor {
  const [, O, outHeight, outWidth] = gradient.shape;
  const C = extentOf(x, 1);
  const [rows, columns] = [winogradTransforms[2], winogradTransforms[width]];
  const cut = { width, rows: Math.ceil(outHeight / 2), perRow: TOGETHER * Math.ceil(outWidth / (TOGETHER * width)) };
  const pixels = tiles(x, cut, { height: 4, width: width + 2, top, left }, rows.input, columns.input);
  const gradients = tiles(
    gradient,
    cut,
    { height: 2, width, top: 0, left: 0 },
    turned(rows.output),
    turned(columns.output),
  );
  const sums = pixels.map((pixel, place) => conv2dWeightGradient(pixel, gradients[place], 1, 1, 1, NO_PADDING).data);
  const [down, across] = [turned(rows.weight), turned(columns.weight)];
  const out = allocate(x.dtype, 9 * O * C);
  for (let oc = 0; oc < O * C; oc++) {
    const places = sums.map((sum) => sum[oc]);
    out.set(
      transformed2d(down, across, places, (exact) => exact),
      9 * oc,
    );
  }
  return stored(x.dtype, [O, C, 3, 3], out);
}

/** How a picture is cut into tiles. */
interface Cut {
  readonly width: WinogradWidth;
  readonly rows: number;
  readonly perRow: number;
}

/** What belongs to a tile: so many pixels, so far above and before its first output. */
interface Window {
  readonly height: number;
  readonly width: number;
  readonly top: number;
  readonly left: number;
}

/** What belongs to each tile, transformed: for each place a picture [1,C,T,4]. What lies beyond the picture is zero. */
function tiles(
  { dtype, shape, data }: Tensor,
  cut: Cut,
  window: Window,
  vertical: Matrix,
  horizontal: Matrix,
): Tensor[] {
  const [B, C, H, W] = shape;
  const perPicture = cut.rows * cut.perRow;
  const round = rounding(dtype);
  const places = Array.from({ length: vertical.length * horizontal.length }, () => allocate(dtype, B * C * perPicture));
  const own = allocate(dtype, window.height * window.width);
  for (let plane = 0; plane < B * C; plane++) {
    const [b, c] = [Math.floor(plane / C), plane % C];
    for (let tile = 0; tile < perPicture; tile++) {
      const row = 2 * Math.floor(tile / cut.perRow) - window.top;
      const column = cut.width * (tile % cut.perRow) - window.left;
      for (let i = 0; i < window.height; i++) {
        for (let j = 0; j < window.width; j++) {
          const inside = row + i >= 0 && row + i < H && column + j >= 0 && column + j < W;
          own[i * window.width + j] = inside ? data[(plane * H + row + i) * W + column + j] : 0;
        }
      }
      transformed2d(vertical, horizontal, own, round).forEach((value, place) => {
        places[place][(c * B + b) * perPicture + tile] = value;
      });
    }
  }
  return places.map((numbers) => stored(dtype, [1, C, (B * perPicture) / TOGETHER, TOGETHER], numbers));
}
