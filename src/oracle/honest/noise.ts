/**
 * Rounding as noise. In place of rounding, every operation is computed in double precision and its result moved by a
 * random amount of the size that rounding errors have there: unit roundoff · the magnitudes that were added up. (Monte
 * Carlo arithmetic, after Parker 1997.) Run a few times, this shows for every number of a network how large the errors
 * are that honest rounding brings into it, those of all earlier layers included, amplified or damped as the network
 * does it.
 *
 * The size of an error never comes from the result: where 1000 − 999.9 cancels, the result is small and its error is
 * not. The amount is drawn evenly from both signs, as there, with the variance 1. A sum of n products is taken to err
 * by u · √n/2 · Σ|aᵢbᵢ|, what a sum of equal signs does in the plainest order.
 */
import type { Generator } from '../../tensor/random.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Format } from './format.ts';

/** A source of errors of the size that they have in a format. */
export interface Noise {
  readonly format: Format;
  /** Random numbers of mean 0 and variance 1. */
  draw(count: number): Tensor['data'];
  /** y, each element moved by its own size. */
  moved(y: Tensor, sizeOf: (i: number) => number): Tensor;
}

/** Noise of a format, drawn from `generator`. */
export function noiseOf(format: Format, generator: Generator): Noise {
  const draw = (count: number): Tensor['data'] => drawn(generator, count);
  return {
    format,
    draw,
    moved(y, sizeOf) {
      const noise = draw(y.data.length);
      for (let i = 0; i < noise.length; i++) noise[i] = y.data[i] + noise[i] * sizeOf(i);
      return { ...y, data: noise };
    },
  };
}

/** Even numbers of this width have the variance 1. */
const spread = Math.sqrt(12);

/** Random numbers of mean 0 and variance 1, evenly spread. */
export function drawn(generator: Generator, count: number): Float64Array {
  const uniform = generator.rand([count]).data;
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) out[i] = (uniform[i] - 0.5) * spread;
  return out;
}

/** How many times its own size's rounding a sum of so many terms errs by: see above. */
export function growthOf(terms: number): number {
  return Math.max(1, Math.sqrt(terms) / 2);
}

/** Half of the smallest number above 0 of the storage: the error that even the smallest results have. */
export function smallestOf({ storage }: Format): number {
  return storage === 'f16' ? 2 ** -25 : 2 ** -150;
}
