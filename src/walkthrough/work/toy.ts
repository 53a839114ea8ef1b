/**
 * A world of two numbers in which all of PAG can be written down. A "letter" has a left half x and a right half y, and
 * there are three letters; halves of different letters make scraps. The model has learned that only in part: a share of
 * what it draws has halves that know nothing of one another. Its attention replaced by the identity, it knows nothing
 * of the kind at all: each half by itself is as ever, and every pair of halves is as likely as any other.
 *
 * All of these are mixtures of nine Gaussians, so densities and predictions of noise are exact at every noise level.
 */
import { at } from '../../tensor/at.ts';
import { manualSeed } from '../../tensor/random.ts';

/** The halves that there are; a letter has twice the same. */
const halves = [-1.2, 0, 1.2];
/** How much faces of one letter differ, as a standard deviation in either half. */
export const spread = 0.13;
/** The share of what the model draws in which the halves are drawn apart. */
export const forgotten = 0.5;
/** Steps of DDIM. */
export const toySteps = 24;

/** A point of the plane. */
export type Point = readonly [x: number, y: number];

/** A mixture of Gaussians of one spread. */
export interface Mixture {
  readonly centres: readonly Point[];
  /** Of each; they add up to 1. */
  readonly weights: readonly number[];
}

const centres: readonly Point[] = halves.flatMap((x) => halves.map((y): Point => [x, y]));
const isLetter = ([x, y]: Point): boolean => x === y;
const apart = 1 / centres.length;

/** What the model draws by itself. */
export const alone: Mixture = {
  centres,
  weights: centres.map((centre) => forgotten * apart + (isLetter(centre) ? (1 - forgotten) / halves.length : 0)),
};
/** What it draws when neither half can see the other: the product of the two halves' own densities. */
export const spoilt: Mixture = { centres, weights: centres.map(() => apart) };

/** x_t = α x₀ + σ ε. */
export interface ToyLevel {
  readonly alpha: number;
  readonly sigma: number;
}

/** The level before step `index`: evenly on a quarter of a circle, from nearly noise alone to none behind the last. */
export function toyLevel(index: number): ToyLevel {
  const angle = (Math.PI / 2) * (1 - (index + 0.5) / (toySteps + 0.5));
  return { alpha: Math.cos(angle), sigma: Math.sin(angle) };
}

/** ε(x_t), the noise that is to be expected in x_t if pictures come from the mixture: −σ ∇ log p_t. */
export function predictNoise({ centres: means, weights }: Mixture, [x, y]: Point, { alpha, sigma }: ToyLevel): Point {
  const variance = alpha * alpha * spread * spread + sigma * sigma;
  const logAt = (mean: Point): number => logOfBell(x - alpha * mean[0], y - alpha * mean[1], variance);
  // Loops without lists of their own: every point is asked for at every step.
  let most = -Infinity;
  for (const mean of means) most = Math.max(most, logAt(mean));
  let total = 0;
  let across = 0;
  let up = 0;
  for (let k = 0; k < means.length; k++) {
    const mean = at(means, k);
    const share = at(weights, k) * Math.exp(logAt(mean) - most);
    total += share;
    across += share * (x - alpha * mean[0]);
    up += share * (y - alpha * mean[1]);
  }
  const scale = sigma / (variance * total);
  return [scale * across, scale * up];
}

/** The logarithm of a Gaussian of this variance in either direction, up to a constant. */
function logOfBell(x: number, y: number, variance: number): number {
  return -(x * x + y * y) / (2 * variance);
}

/** The density of x_t. */
export function density({ centres: means, weights }: Mixture, [x, y]: Point, { alpha, sigma }: ToyLevel): number {
  const variance = alpha * alpha * spread * spread + sigma * sigma;
  return means.reduce((sum, [a, b], k) => {
    const bell = Math.exp(logOfBell(x - alpha * a, y - alpha * b, variance));
    return sum + ((weights[k] ?? 0) * bell) / (2 * Math.PI * variance);
  }, 0);
}

/** ε − ε̂ at a point. */
export function difference(point: Point, level: ToyLevel): Point {
  const [plain, perturbed] = [predictNoise(alone, point, level), predictNoise(spoilt, point, level)];
  return [plain[0] - perturbed[0], plain[1] - perturbed[1]];
}

/** x₀ of so many noises of seed 0, by DDIM with ε + s (ε − ε̂). */
export function drawPoints(count: number, s: number): readonly Point[] {
  const { data } = manualSeed(0).randn([count, 2]);
  const levels = Array.from({ length: toySteps + 1 }, (_, index) => toyLevel(index));
  return Array.from({ length: count }, (_, i) => drawPoint([at(data, 2 * i), at(data, 2 * i + 1)], s, levels));
}

function drawPoint(noise: Point, s: number, levels: readonly ToyLevel[]): Point {
  let x = noise;
  for (let index = 0; index < toySteps; index++) {
    const [level, next] = [at(levels, index), at(levels, index + 1)];
    const plain = predictNoise(alone, x, level);
    // Where there is no guidance, nobody asks what the spoilt model would say.
    const perturbed = s === 0 ? plain : predictNoise(spoilt, x, level);
    const step = (axis: 0 | 1): number => {
      const noiseThere = plain[axis] + s * (plain[axis] - perturbed[axis]);
      return next.alpha * ((x[axis] - level.sigma * noiseThere) / level.alpha) + next.sigma * noiseThere;
    };
    x = [step(0), step(1)];
  }
  return x;
}

/** How many points lie with a letter: nearer to one than three of its spreads. */
export function lettersAmong(points: readonly Point[]): number {
  const letters = centres.filter(isLetter);
  return points.filter(([x, y]) => letters.some(([a, b]) => Math.hypot(x - a, y - b) < 3 * spread)).length;
}

/** How far the points that lie with a letter are from its middle, as a root mean square in either half. */
export function spreadOfLetters(points: readonly Point[]): number {
  const squares = points.flatMap(([x, y]) => {
    const nearest = Math.min(...centres.filter(isLetter).map(([a, b]) => Math.hypot(x - a, y - b)));
    return nearest < 3 * spread ? [nearest ** 2 / 2] : [];
  });
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / Math.max(1, squares.length));
}
