/** Sine and cosine, for every finite double. */
import { reduce } from './reduce-pi.ts';
import { twoProduct } from './wide.ts';

/** sin x. Error: at most 0.75 ulp. NaN for ±∞, sin(±0) = ±0. */
export function sin(x: number): number {
  if (x === 0) return x;
  if (!Number.isFinite(x)) return NaN;
  const { quadrant, hi, lo } = reduce(x);
  const size = quadrant % 2 === 0 ? sinNearZero(hi, lo) : cosNearZero(hi, lo);
  return quadrant < 2 ? size : -size;
}

/** cos x. Error: at most 0.75 ulp. NaN for ±∞. */
export function cos(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  const { quadrant, hi, lo } = reduce(x);
  const size = quadrant % 2 === 0 ? cosNearZero(hi, lo) : sinNearZero(hi, lo);
  return quadrant === 0 || quadrant === 3 ? size : -size;
}

/** sin(hi + lo), |hi| ≤ π/4: the Taylor polynomial of degree 17. */
function sinNearZero(hi: number, lo: number): number {
  const z = hi * hi;
  let series = 1 / 355687428096000;
  series = series * z - 1 / 1307674368000;
  series = series * z + 1 / 6227020800;
  series = series * z - 1 / 39916800;
  series = series * z + 1 / 362880;
  series = series * z - 1 / 5040;
  series = series * z + 1 / 120;
  series = series * z - 1 / 6;
  return hi + (hi * z * series + lo * (1 - 0.5 * z));
}

/** cos(hi + lo), |hi| ≤ π/4: the Taylor polynomial of degree 18. */
function cosNearZero(hi: number, lo: number): number {
  const { hi: z, lo: zRest } = twoProduct(hi, hi);
  let series = -1 / 6402373705728000;
  series = series * z + 1 / 20922789888000;
  series = series * z - 1 / 87178291200;
  series = series * z + 1 / 479001600;
  series = series * z - 1 / 3628800;
  series = series * z + 1 / 40320;
  series = series * z - 1 / 720;
  series = series * z + 1 / 24;
  const first = 1 - 0.5 * z;
  const rest = 1 - first - 0.5 * z; // what the subtraction above rounded away
  return first + (rest + (z * z * series - 0.5 * zRest - hi * lo));
}
