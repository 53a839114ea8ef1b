/**
 * Large pictures and latents in tiles that overlap, blended where they do: `enable_tiling` of diffusers' AutoencoderKL,
 * which bounds what its attention takes. What comes of them is not what comes of the whole: each is normed by itself.
 */
import { referenceKernels } from '../kernels/plain/index.ts';
import type { AutoencoderKLConfig } from '../models/autoencoder-kl/config.ts';
import { at } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import { allocate, extentOf, reshape, sizeOf, tensor, type Tensor } from '../tensor/tensor.ts';

/** Sizes of tiles. */
export interface Tiles {
  /** The side of a tile of what goes in; what is no larger goes in as a whole. */
  readonly side: number;
  /** How far apart they begin. */
  readonly step: number;
  /** Over how many pixels of what comes out a tile goes over into the next. */
  readonly blended: number;
  /** How many pixels of what comes out of a tile stay, from its beginning: the rest is the next tile's. */
  readonly kept: number;
}

const overlap = 0.25;

/** The tiles of pictures. @throws InputError when the config does not say how large they are */
export function encodingTiles(config: AutoencoderKLConfig): Tiles {
  const { pixels, latents } = sidesOf(config);
  return tilesOf(pixels, latents);
}

/** The tiles of latents. @throws InputError when the config does not say how large they are */
export function decodingTiles(config: AutoencoderKLConfig): Tiles {
  const { pixels, latents } = sidesOf(config);
  return tilesOf(latents, pixels);
}

function sidesOf({ sampleSize, blockOutChannels }: AutoencoderKLConfig): { pixels: number; latents: number } {
  const pixels = sampleSize?.[0] ?? 0;
  const latents = Math.floor(pixels / 2 ** (blockOutChannels.length - 1));
  if (latents * overlap < 1)
    throw new InputError(
      `the autoencoder's sample_size is ${sampleSize?.join(' × ') ?? 'null'}: too small for tiles; leave out tiling`,
    );
  return { pixels, latents };
}

function tilesOf(side: number, outSide: number): Tiles {
  const blended = Math.floor(outSide * overlap);
  return { side, step: Math.floor(side * (1 - overlap)), blended, kept: outSide - blended };
}

/**
 * Runs something on each tile of a picture, and joins what comes of it.
 * @param x [B,C,H,W]
 * @param run [B,C,h,w] → [B,C′,h′,w′]
 */
export function inTiles(x: Tensor, { side, step, blended, kept }: Tiles, run: (tile: Tensor) => Tensor): Tensor {
  const [height, width] = [extentOf(x, 2), extentOf(x, 3)];
  if (height <= side && width <= side) return run(x);
  const [tops, lefts] = [startsOf(height, step), startsOf(width, step)];
  const rows = tops.map((top) => lefts.map((left) => run(cut(x, top, left, side))));
  // Each tile goes over from those above and at its left as they are after their own blending.
  rows.forEach((row, i) => {
    row.forEach((tile, j) => {
      if (i > 0) blend(at(at(rows, i - 1), j), tile, blended, 2);
      if (j > 0) blend(at(row, j - 1), tile, blended, 3);
    });
  });
  const strips = rows.map((row) =>
    joined(
      row.map((tile) => cut(tile, 0, 0, kept)),
      3,
    ),
  );
  return joined(strips, 2);
}

function startsOf(extent: number, step: number): readonly number[] {
  return Array.from({ length: Math.ceil(extent / step) }, (_, i) => i * step);
}

/** A square of a picture, as far as it goes; its numbers are its own. */
function cut(x: Tensor, top: number, left: number, side: number): Tensor {
  const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
  const shape = [batch, channels, Math.min(side, height - top), Math.min(side, width - left)];
  const [, , h = 0, w = 0] = shape;
  const out = allocate(x.dtype, batch * channels * h * w);
  for (let row = 0; row < batch * channels * h; row++) {
    const from = (Math.floor(row / h) * height + top + (row % h)) * width + left;
    out.set(x.data.subarray(from, from + w), row * w);
  }
  return tensor(x.dtype, shape, out);
}

/**
 * Changes the beginning of a tile, which nobody else has seen yet, into what lies between it and the end of the one
 * before it.
 * @param dimension 2: the one before is above; 3: it is at the left
 */
function blend(before: Tensor, tile: Tensor, most: number, dimension: 2 | 3): void {
  const count = Math.min(most, extentOf(before, dimension), extentOf(tile, dimension));
  const { data } = tile;
  const [height, width] = [extentOf(tile, 2), extentOf(tile, 3)];
  const [heightBefore, widthBefore] = [extentOf(before, 2), extentOf(before, 3)];
  for (let i = 0; i < data.length; i++) {
    const [plane, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    const place = dimension === 2 ? y : x;
    if (place >= count) continue;
    const [yBefore, xBefore] = dimension === 2 ? [heightBefore - count + y, x] : [y, widthBefore - count + x];
    const other = at(before.data, (plane * heightBefore + yBefore) * widthBefore + xBefore);
    data[i] = other * (1 - place / count) + at(data, i) * (place / count);
  }
}

/** Pictures below one another (2) or beside one another (3). */
function joined(parts: readonly Tensor[], dimension: 2 | 3): Tensor {
  return parts.reduce((before, part) => {
    const blocks = sizeOf(before.shape.slice(0, dimension));
    const asRow = (x: Tensor): Tensor => reshape(x, [blocks, x.data.length / blocks]);
    const extent = extentOf(before, dimension) + extentOf(part, dimension);
    const shape = before.shape.map((size, i) => (i === dimension ? extent : size));
    return reshape(referenceKernels.concatChannels(asRow(before), asRow(part)), shape);
  });
}
