/** Pictures of another size, as Pillow makes them with `Resampling.LANCZOS`, bit for bit. */
import { InputError } from '../tensor/errors.ts';
import { sin } from '../tensor/math/index.ts';
import type { Picture } from './picture.ts';

/** The filter is 0 beyond so many pixels of the coarser of the two pictures. */
const support = 3;
/** Weights are whole multiples of 2^−22, so that a sum of products with bytes fits into 32 bits. */
const precision = 22;

/** sinc(x) sinc(x/3), sinc(x) = sin(πx)/(πx): Lanczos' window over three zeros of the ideal filter. */
function lanczos(x: number): number {
  return x >= -support && x < support ? sinc(x) * sinc(x / support) : 0;
}

function sinc(x: number): number {
  if (x === 0) return 1;
  const angle = x * Math.PI;
  return sin(angle) / angle;
}

/** Of which pixels, from `first` on, a pixel of the result is a weighted sum. */
interface Window {
  readonly first: number;
  /** Multiples of 2^−22. */
  readonly weights: readonly number[];
}

/** The windows of a line of `from` pixels that becomes one of `to`. */
function windows(from: number, to: number): readonly Window[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(from, Math.trunc(center + reach + 0.5));
    const plain = Array.from({ length: end - first }, (_unused, k) =>
      lanczos((k + first - center + 0.5) * (1 / stretch)),
    );
    const sum = plain.reduce((a, b) => a + b, 0);
    return { first, weights: plain.map((weight) => toFixedPoint(sum === 0 ? weight : weight / sum)) };
  });
}

function toFixedPoint(weight: number): number {
  return Math.trunc((weight < 0 ? -0.5 : 0.5) + weight * 2 ** precision);
}

/** A weighted sum of bytes, as the nearest byte. */
function toByte(sum: number): number {
  return Math.min(255, Math.max(0, (sum + 2 ** (precision - 1)) >> precision));
}

/**
 * The picture in another size: rows and columns one after the other, with a picture of bytes in between. Pillow begins
 * with the rows; since version 13 with the columns, where they lose more than twice the pixels that the rows lose. What
 * keeps its extent is not filtered.
 * @param width of the result, like its height a whole number from 1
 * @throws InputError for a size that no picture has
 */
export function resized(picture: Picture, width: number, height: number): Picture {
  if (![width, height].every((extent) => Number.isInteger(extent) && extent >= 1)) {
    throw new InputError(`a picture cannot be ${width} × ${height}; expected whole numbers from 1`);
  }
  const lost = picture.height - height;
  const columnsFirst = lost > 0 && lost > 2 * (picture.width - width);
  return columnsFirst
    ? resizedRows(resizedColumns(picture, height), width)
    : resizedColumns(resizedRows(picture, width), height);
}

function resizedColumns(picture: Picture, to: number): Picture {
  return to === picture.height ? picture : turned(resizedRows(turned(picture), to));
}

function resizedRows(picture: Picture, to: number): Picture {
  const { width, height, channels, pixels } = picture;
  if (to === width) return picture;
  const out = new Uint8Array(to * height * channels);
  for (const [x, { first, weights }] of windows(width, to).entries()) {
    for (let y = 0; y < height; y++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        weights.forEach((weight, k) => {
          sum += weight * (pixels[(y * width + first + k) * channels + c] ?? 0);
        });
        out[(y * to + x) * channels + c] = toByte(sum);
      }
    }
  }
  return { width: to, height, channels, pixels: out };
}

/** Rows become columns. */
function turned({ width, height, channels, pixels }: Picture): Picture {
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels;
      out.set(pixels.subarray(from, from + channels), (x * height + y) * channels);
    }
  }
  return { width: height, height: width, channels, pixels: out };
}
