/**
 * The values of an attention head as colours. A value is a vector; its coordinates along the three directions in which
 * the values of all tokens differ most become red, green and blue. The map is affine, so a mixture of values has the
 * mixture of their colours: what attention mixes, the eye can mix.
 */
import { symmetricEigen } from '../../evaluation/linear-algebra.ts';
import type { Colour } from './palette.ts';

/** Rows of `size` numbers, one after another. */
export interface Vectors {
  readonly size: number;
  readonly data: ArrayLike<number>;
}

/** Colours the vector in row `row` of `vectors`, rows of as many numbers as those that it was fitted to. */
export type Colouring = (vectors: ArrayLike<number>, row: number) => Colour;

/** The colour of the mean, and how far the vector that is farthest from it takes it. */
const [middle, reach] = [132, 120];

/** How a vector is coloured, fitted to these vectors. */
export function colouring(fitted: Vectors): Colouring {
  const mean = meanOf(fitted);
  const { values, vectors } = symmetricEigen(covarianceOf(fitted, mean), fitted.size);
  const strongest = [...values.entries()]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([column]) => direction(vectors, column, mean));
  const farthest = strongest.map((along) => farthestAlong(fitted, along));
  // A direction in which nothing differs but by rounding has no colour.
  const [most = 0] = farthest;
  const least = Math.max(most * 1e-6, 1e-30);
  const axes = strongest.map((along, i) => ({ along, extent: Math.max(farthest[i] ?? 0, least) }));
  return (shown, row) => {
    const [red = middle, green = middle, blue = middle] = axes.map(
      ({ along, extent }) => middle + (along(shown, row) / extent) * reach,
    );
    return [red, green, blue];
  };
}

/** How far a vector lies from the mean in one direction. */
type Along = (vectors: ArrayLike<number>, row: number) => number;

/** @param vectors whose column `column` is the direction, n × n, row by row */
function direction(vectors: Float64Array, column: number, mean: Float64Array): Along {
  const size = mean.length;
  return (shown, row) => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += (shown[row * size + i] - mean[i]) * vectors[i * size + column];
    return sum;
  };
}

function farthestAlong({ size, data }: Vectors, along: Along): number {
  return Math.max(...Array.from({ length: data.length / size }, (_, row) => Math.abs(along(data, row))));
}

function meanOf({ size, data }: Vectors): Float64Array {
  const count = data.length / size;
  return Float64Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let row = 0; row < count; row++) sum += data[row * size + i];
    return sum / count;
  });
}

function covarianceOf({ size, data }: Vectors, mean: Float64Array): Float64Array {
  const count = data.length / size;
  const covariance = new Float64Array(size * size);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++)
        covariance[i * size + j] += ((data[row * size + i] - mean[i]) * (data[row * size + j] - mean[j])) / count;
    }
  }
  return covariance;
}
