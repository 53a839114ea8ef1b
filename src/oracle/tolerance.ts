/**
 * How far a port may deviate, tap by tap. Derived, not picked:
 *
 * 1. The *scale* of a number is the error that rounding as noise brings into it (honest/noise.ts): the analytic size,
 * aware of conditioning, propagated through all layers before it. Deviations are counted in it. 2. The *spread* is how
 * far honest ports lie from the truth (honest/variants.ts), in this unit: the worst of them. 3. The *budget* is the
 * spread times a margin, but never above the analytic ceiling, and never below a floor under which a few ports are no
 * sample.
 *
 * Two numbers are held against it: the root mean square over the tap, which changes little from one honest port to the
 * next and so finds small mistakes that are everywhere, and the largest deviation, which finds large ones in one place.
 */
import { cast } from '../tensor/rounding.ts';
import { manualSeed } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Case, Subject } from './case.ts';
import type { Format } from './honest/format.ts';
import { noisyFourierFeatures, noisyScheduler, noisySinusoid, noisyValue } from './honest/noisy-inputs.ts';
import { noisyKernels } from './honest/noisy-kernels.ts';
import { winogradSizes } from './honest/noisy-winograd.ts';
import { variants } from './honest/variants.ts';
import { entryOf, remembered } from './lookup.ts';
import { reference } from './implementation.ts';
import { fromSixteenths, sixteenthsOf } from './sixteenths.ts';
import { preparedFor, traceCase, type Trace, type TraceOptions } from './trace.ts';

/** A deviation in units of the scale. */
export interface Deviation {
  readonly rms: number;
  readonly max: number;
}

/** The truth of a tap, and how far an honest port may be from it. */
export interface Band {
  readonly truth: Tensor;
  /** For each number, the size of honest errors. */
  readonly scale: Float64Array;
  /** The root mean square deviation of the best and of the worst honest port. */
  readonly honest: readonly [least: number, most: number];
  readonly budget: Deviation;
}

/** A port that is not among ours may be so much worse than the worst of ours. */
export const margin = 3;

/** Below this the budget does not go: rounding errors of this size are unlike from port to port. */
export const floor: Deviation = { rms: 0.3, max: 2 };

/**
 * Above this it does not go: it is what the plainest orders do where all signs agree, and the tails of a normal
 * distribution.
 */
export const ceiling: Deviation = { rms: 3, max: 15 };

/** How often a case is computed with noise, by kind. */
const samples: Readonly<Record<Subject['kind'], number>> = {
  operation: 16,
  embedding: 16,
  stages: 16,
  guidance: 16,
  scheduler: 16,
  unet: 8,
  'unet-condition': 8,
  'text-encoder': 16,
  autoencoder: 8,
  run: 4,
  'text-to-image': 4,
  derivative: 16,
  gradient: 8,
  optimiser: 16,
};
/** With more weights than this a case takes seconds, and twice must do. */
const many = 1e6;

/** What is known of a case before its bands. */
export interface Known {
  /**
   * Their values: then each band says how far a layer may deviate from what follows from *their* input. As many honest
   * ports are asked as it takes until each of these values is within its budget, or far from all that it could become;
   * more would not change that.
   */
  readonly forced?: Trace;
  /** The truth, where it has been computed; without `forced` only. */
  readonly truth?: Trace;
  /** Is told after each of the computations that are behind the bands how many of them are done, of `tracesOf`. */
  readonly onTrace?: (done: number) => void;
}

/** How often a case is computed for its bands, besides its truth. */
export function tracesOf(one: Pick<Case, 'subject' | 'weights'>, format: Format): number {
  return noisyTraces(one) + variants[format.name].length;
}

/** How often it is computed with noise. */
function noisyTraces({ subject, weights }: Pick<Case, 'subject' | 'weights'>): number {
  const numbers = [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);
  return numbers > many ? 2 : samples[subject.kind];
}

/**
 * The bands of all taps of a case.
 * @param names the taps that are wanted
 */
export function bandsOf(
  one: Case,
  format: Format,
  names: ReadonlySet<string>,
  { forced, truth: known, onTrace = () => {} }: Known = {},
): ReadonlyMap<string, Band> {
  if (names.size === 0) return new Map();
  const { storage } = format;
  const common = { names, ...(forced && { forced }) };
  const exactly = { ...common, prepared: preparedFor(one, { storage, compute: 'f64' }) };
  const truth = known
    ? new Map([...known].filter(([name]) => names.has(name)))
    : traceCase(one, reference, { storage, compute: 'f64' }, exactly);
  const scales = scalesOf(one, format, truth, exactly, onTrace);
  const theirs = [...(forced ?? [])].map(([name, value]) => {
    return [name, deviation(value, entryOf(truth, name), entryOf(scales, name))] as const;
  });

  const spread = new Map([...truth.keys()].map((name) => [name, [] as Deviation[]]));
  const bands = new Map<string, Band>();
  const given = { ...common, prepared: preparedFor(one, { storage, compute: storage }) };
  for (const [i, { implementation }] of variants[format.name].entries()) {
    const found = traceCase(one, implementation, { storage, compute: storage }, given);
    for (const [name, exact] of truth) {
      const [scale, ports] = [entryOf(scales, name), entryOf(spread, name)];
      ports.push(deviation(cast(entryOf(found, name), 'f64'), exact, scale));
      const sizes = ports.map((port) => port.rms);
      const honest = [rounded(Math.min(...sizes)), rounded(Math.max(...sizes))] as const;
      bands.set(name, { truth: exact, scale, honest, budget: budgetOf(ports, exact.data.length) });
    }
    onTrace(noisyTraces(one) + i + 1);
    if (forced && theirs.every(([name, away]) => isDecided(away, entryOf(bands, name), entryOf(spread, name)))) break;
  }
  return bands;
}

/** The size of honest errors for each number of the truth. */
function scalesOf(
  one: Case,
  format: Format,
  truth: Trace,
  given: Pick<TraceOptions, 'names' | 'forced' | 'prepared'>,
  onTrace: (done: number) => void,
): ReadonlyMap<string, Float64Array> {
  const count = noisyTraces(one);
  const squares = new Map([...truth].map(([name, { data }]) => [name, new Float64Array(data.length)]));
  const sizesOf = remembered(winogradSizes);
  for (let seed = 0; seed < count; seed++) {
    const generator = manualSeed(seed);
    const noisy = traceCase(
      one,
      {
        ...reference,
        kernels: noisyKernels(format, generator, sizesOf),
        sinusoid: noisySinusoid(format, generator),
        fourierFeatures: noisyFourierFeatures(format, generator),
        scheduler: noisyScheduler(generator),
      },
      { storage: format.storage, compute: 'f64' },
      { ...given, disturb: (value) => noisyValue(format, generator, value) },
    );
    for (const [name, sums] of squares) {
      const [exact, moved] = [truth, noisy].map((trace) => entryOf(trace, name).data);
      for (let i = 0; i < sums.length; i++) {
        const error = moved[i] - exact[i];
        if (Number.isFinite(error)) sums[i] += (error * error) / count;
      }
    }
    onTrace(seed + 1);
  }
  return new Map([...truth].map(([name, exact]) => [name, scaleOf(exact, entryOf(squares, name), count, format)]));
}

/**
 * The root mean square of some errors for each number. Where it rests on less than 16 of them, the mean over the tap
 * stands in for those that are missing. Never 0: a number that is exact in all traces is no better than the tap's size
 * allows. Rounded up to a sixteenth of an octave, as files hold it.
 */
function scaleOf({ data }: Tensor, squares: Float64Array, count: number, { stored }: Format): Float64Array {
  const smallest = 1e-3 * stored * rms(data) + Number.MIN_VALUE;
  const common = squares.reduce((sum, square) => sum + square, 0) / Math.max(1, squares.length);
  return squares.map((square) => {
    const size = Math.sqrt((count * square + (16 - count) * common) / 16) + smallest;
    return Number.isFinite(size) ? fromSixteenths(sixteenthsOf(size)) : size;
  });
}

/** The root mean square of the finite ones among them. */
export function rms(values: ArrayLike<number>): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) [sum, count] = [sum + values[i] * values[i], count + 1];
  }
  return Math.sqrt(sum / Math.max(1, count));
}

/** How far `found` lies from `truth`. Equal infinities are no deviation; a NaN is an infinite one. */
export function deviation(found: Tensor, truth: Tensor, scale: Float64Array): Deviation {
  let [sum, max] = [0, 0];
  for (let i = 0; i < scale.length; i++) {
    const share = deviationAt(found.data[i], truth.data[i], scale[i]);
    sum += share * share;
    max = Math.max(max, share);
  }
  return { rms: Math.sqrt(sum / Math.max(1, scale.length)), max };
}

/** How far one number lies from its truth, in units of its scale. */
export function deviationAt(found: number, truth: number, scale: number): number {
  if (found === truth || (Number.isNaN(found) && Number.isNaN(truth))) return 0;
  const share = Math.abs(found - truth) / scale;
  return Number.isNaN(share) ? Infinity : share;
}

/** Nobody who is honest is so many times worse than the worst of some honest ports, or than the ceiling. */
const unheardOf = 4;

/** Whether more honest ports would change nothing about a deviation: budgets only grow, and not without end. */
function isDecided(away: Deviation, band: Band, ports: readonly Deviation[]): boolean {
  const exceeds = (key: keyof Deviation): boolean => {
    const worst = Math.max(ceiling[key], ...ports.map((port) => port[key]));
    return !(away[key] <= unheardOf * worst * widerFor(band.scale.length));
  };
  return shareOf(away, band) <= 1 || exceeds('rms') || exceeds('max');
}

/** Of few numbers the root mean square scatters more: a tap of n gets 1 + 2/√n of the margin. */
function widerFor(count: number): number {
  return 1 + 2 / Math.sqrt(count);
}

/** An honest port whose numbers leave the range of the storage is no measure of anything. */
function budgetOf(ports: readonly Deviation[], count: number): Deviation {
  const spread = ports.filter(({ rms, max }) => Number.isFinite(rms) && Number.isFinite(max));
  const wider = widerFor(count);
  // What an honest port does is never wrong: next to a limit to which values are clipped it may exceed the ceiling.
  const limit = (worst: number, low: number, high: number): number =>
    rounded(Math.min(Math.max(high, worst), Math.max(low, margin * worst)) * wider);
  return {
    rms: limit(Math.max(0, ...spread.map(({ rms }) => rms)), floor.rms, ceiling.rms),
    max: limit(Math.max(0, ...spread.map(({ max }) => max)), floor.max, ceiling.max),
  };
}

/** Four digits, which are more than is known of it. */
function rounded(size: number): number {
  return Number(size.toPrecision(4));
}

/** The larger share of the budget: up to 1 is within it. */
export function shareOf({ rms, max }: Deviation, { budget }: Band): number {
  return Math.max(rms / budget.rms, max / budget.max);
}
