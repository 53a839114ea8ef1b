/**
 * A Brownian motion that is the same wherever it is asked: torchsde's `BrownianInterval` with `halfway_tree` (Li et al.
 * 2020, arXiv 2001.01328, "virtual Brownian tree"), as diffusers' `BrownianTreeNoiseSampler` uses it. Every number is
 * that of torchsde 0.2.6: an interval is halved until it ends at the places that are asked for, and each half has a
 * seed of its own.
 */
import { add, divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { manualSeed } from '../tensor/random.ts';
import { seedStates } from '../tensor/seed-sequence.ts';
import { allocate, sizeOf, type DType, type Tensor } from '../tensor/tensor.ts';
import { root, f32 } from './single.ts';

/** The words that NumPy's seeds are mixed in. */
const poolSize = 24;

/** W over an interval of σ. */
export interface BrownianMotion {
  /** The seed, from 0 to 2⁶⁴ − 1. */
  readonly seed: bigint;
  /** The smallest σ; below it W stands still. */
  readonly from: number;
  /** The largest σ. */
  readonly to: number;
}

/** What an interval is within the tree. */
interface Interval {
  readonly start: number;
  readonly end: number;
  /** Its place among those of its depth. */
  readonly place: number;
  readonly depth: number;
}

/**
 * The noise of a step from σ to σ' < σ: (W(σ') − W(σ))/√(σ − σ'), standard normal; 0 where both are one place of the
 * tree, which tells apart what differs by 10⁻⁶.
 * @param shape of the noise; of several motions [B, …], and each sample has its own
 * @param dtype in which the motion is drawn
 */
export function brownianNoise(
  motions: BrownianMotion | readonly BrownianMotion[],
  sigma: number,
  next: number,
  shape: readonly number[],
  dtype: DType,
): Tensor {
  const length = dtype === 'f64' ? Math.sqrt(sigma - next) : root(f32(sigma - next));
  const one = (motion: BrownianMotion, extents: readonly number[]): Tensor =>
    divideBy(scale(brownianIncrement(motion, next, sigma, extents, dtype), -1), length);
  if (!isList(motions)) return one(motions, shape);
  const [, ...extents] = shape;
  const data = allocate(dtype, sizeOf(shape));
  for (const [i, motion] of motions.entries()) data.set(one(motion, extents).data, i * sizeOf(extents));
  return { dtype, shape, data };
}

function isList(motions: BrownianMotion | readonly BrownianMotion[]): motions is readonly BrownianMotion[] {
  return Array.isArray(motions);
}

/**
 * W(b) − W(a).
 * @param a from which σ
 * @param b to which, at least a. Both are rounded to six decimals
 */
export function brownianIncrement(
  { seed, from, to }: BrownianMotion,
  a: number,
  b: number,
  shape: readonly number[],
  dtype: DType,
): Tensor {
  const whole = { start: toSixDecimals(from), end: toSixDecimals(to), place: 0, depth: 0 };
  const within = (sigma: number): number => toSixDecimals(Math.min(Math.max(sigma, whole.start), whole.end));
  const [start, end] = [within(a), within(b)];
  const draw = (state: number): Tensor => manualSeed(state).randn(shape, dtype);
  const total = scale(draw(at(seedStates(seed, [], poolSize, 1), 0)), Math.sqrt(to - from));
  if (start === end) return scale(total, 0);
  return partsOf(whole, total, start, end, (interval) =>
    draw(at(seedStates(seed, [interval.place, interval.depth], poolSize, 1), 0)),
  ).reduce(add);
}

/** The increments of the intervals that together are [start, end], in their order. @param total that of the interval */
function partsOf(
  interval: Interval,
  total: Tensor,
  start: number,
  end: number,
  draw: (interval: Interval) => Tensor,
): readonly Tensor[] {
  if (start === interval.start && end === interval.end) return [total];
  const middle = toSixDecimals(0.5 * (interval.end + interval.start));
  const [before, after] = [middle - interval.start, interval.end - middle];
  const reciprocal = 1 / (interval.end - interval.start);
  const mean = scale(scale(total, before), reciprocal);
  const left = add(mean, scale(draw(interval), Math.sqrt(before * after * reciprocal)));
  const depth = interval.depth + 1;
  const halves = [
    { part: left, half: { start: interval.start, end: middle, place: 2 * interval.place, depth } },
    {
      part: subtract(total, left),
      half: { start: middle, end: interval.end, place: 2 * interval.place + 1, depth },
    },
  ];
  return halves.flatMap(({ part, half }) => {
    const [first, last] = [Math.max(start, half.start), Math.min(end, half.end)];
    return first < last ? partsOf(half, part, first, last, draw) : [];
  });
}

/** Python's `round(x, 6)`: the nearest number of six decimals, of two the even one. @param x from 0, below 10¹⁵ */
export function toSixDecimals(x: number): number {
  const nearest = Number(x.toFixed(6));
  // Half way lie the odd multiples of 1/128 = 0.0078125, and nothing else that a double can hold.
  if ((x * 128) % 2 !== 1) return nearest;
  const below = Math.floor(x * 1e6);
  return Number(`${below % 2 === 0 ? below : below + 1}e-6`);
}
