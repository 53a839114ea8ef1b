/** The Gaussian blur that torch users write: a normalised window, the picture continued by reflection. */
import { exp } from '../tensor/math/index.ts';

/**
 * The blur of a line of `size` pixels as a matrix, row-major [size,size]: blurred = matrix · line.
 * @param size from 1 on
 * @param sigma σ ≥ 0, in pixels; 0 is no blur
 * @param window how many pixels are averaged; odd. It is cut to 2·size − 1, beyond which there is nothing to reflect.
 * @returns weights of which each row sums to 1
 */
export function gaussianBlurMatrix(size: number, sigma: number, window: number): Float64Array {
  const half = Math.min((window - 1) / 2, size - 1);
  const weights = Array.from({ length: 2 * half + 1 }, (_, i) =>
    sigma === 0 ? Number(i === half) : exp(-0.5 * ((i - half) / sigma) ** 2),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const matrix = new Float64Array(size * size);
  for (let target = 0; target < size; target++) {
    weights.forEach((weight, i) => {
      matrix[target * size + reflect(target + i - half, size)] += weight / total;
    });
  }
  return matrix;
}

/**
 * The pixel, from 0 to size − 1, that stands at `index` of a line continued as 2 1 0 1 2 … n−2 n−1 n−2: torch's padding
 * mode "reflect", as far as one likes.
 */
export function reflect(index: number, size: number): number {
  const period = Math.max(1, 2 * (size - 1));
  const folded = Math.abs(index) % period;
  return folded < size ? folded : period - folded;
}
