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

/** How a vector is coloured, fitted to these vectors. */
export function colouring({ size, data }: Vectors): (vectors: ArrayLike<number>, row: number) => Colour {
  const count = data.length / size;
  const mean = Float64Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let row = 0; row < count; row++) sum += data[row * size + i];
    return sum / count;
  });
  const covariance = new Float64Array(size * size);
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++)
        covariance[i * size + j] += ((data[row * size + i] - mean[i]) * (data[row * size + j] - mean[j])) / count;
    }
  }
  const { values, vectors } = symmetricEigen(covariance, size);
  const strongest = [...values.keys()].sort((a, b) => values[b] - values[a]).slice(0, 3);
  const along = (column: number, shown: ArrayLike<number>, row: number): number => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += (shown[row * size + i] - mean[i]) * vectors[i * size + column];
    return sum;
  };
  const farthest = strongest.map((column) =>
    Math.max(...Array.from({ length: count }, (_, row) => Math.abs(along(column, data, row)))),
  );
  // A direction in which nothing differs but by rounding has no colour.
  const least = Math.max(farthest[0] * 1e-6, 1e-30);
  const axes = strongest.map((column, i) => ({ column, extent: Math.max(farthest[i], least) }));
  return (shown, row) => {
    const [red, green, blue] = axes.map(({ column, extent }) => middle + (along(column, shown, row) / extent) * reach);
    return [red, green, blue];
  };
}

/** The colour of the mean, and how far the vector that is farthest from it takes it. */
const middle = 132;
const reach = 120;
