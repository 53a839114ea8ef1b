/** The perturbation of Smoothed Energy Guidance (Hong 2024, arXiv 2408.00760): attention whose queries are blurred. */
import { mustBe } from '../../tensor/checks.ts';
import { softmaxAttention, type AttentionMixer } from '../attention.ts';
import { gaussianBlurMatrix } from '../gaussian.ts';
import { constantOf, mixTokens } from './constants.ts';

/** From here on the authors' code takes the mean of all queries. */
const infinite = 9999;

const aBlur = mustBe('0 or more', (sigma) => typeof sigma === 'number' && sigma >= 0);

/**
 * softmax(blur(Q) Kᵀ/√d) V, where blur is Gaussian over the token grid. σ = 0 is softmax attention itself; above 9999
 * every query is the mean of all. As in the authors' code the window is the odd number next to 6σ, no wider than the
 * grid (one more when that is even), and the grid is continued by reflection.
 * @param sigma in tokens
 * @throws InputError when σ is negative or not a number
 */
export function queryBlur(sigma: number): AttentionMixer {
  aBlur('the blur σ', sigma);
  if (sigma === 0) return softmaxAttention;
  const blur = constantOf<Grid>(
    ([height, width]) => (sigma > infinite ? gridMean(height * width) : gridBlur(height, width, sigma)),
    ([height, width]) => [height * width, height * width],
  );
  return {
    key: `query-blur(${sigma})`,
    mix: ({ kernels, query, key, value, heads, scale, height, width }) =>
      kernels.attention(mixTokens(kernels, query(), blur([height, width], value.dtype)), key(), value, heads, scale),
  };
}

type Grid = readonly [height: number, width: number];

/** Every token becomes the mean of all. */
function gridMean(tokens: number): Float64Array {
  return new Float64Array(tokens * tokens).fill(1 / tokens);
}

/** The blur of a grid as a matrix over its tokens: a blur along the columns times one along the rows. */
function gridBlur(height: number, width: number, sigma: number): Float64Array {
  const down = gaussianBlurMatrix(height, sigma, windowFor(height, sigma));
  const across = gaussianBlurMatrix(width, sigma, windowFor(width, sigma));
  const tokens = height * width;
  return Float64Array.from({ length: tokens * tokens }, (_, entry) => {
    const [target, source] = [Math.floor(entry / tokens), entry % tokens];
    const vertical = down[Math.floor(target / width) * height + Math.floor(source / width)];
    return vertical * across[(target % width) * width + (source % width)];
  });
}

function windowFor(size: number, sigma: number): number {
  const wanted = Math.ceil(6 * sigma) + 1 - (Math.ceil(6 * sigma) % 2);
  return Math.min(wanted, size % 2 === 0 ? size + 1 : size);
}
