/**
 * Which mistake is it? The case is computed once more with every fault of the bank, and the fault whose numbers are
 * theirs is named. Where no single one is, the one is sought that explains the most of the data flow, and then a second
 * on top of it.
 */
import { InputError } from '../tensor/errors.ts';
import type { Case } from './case.ts';
import type { Format } from './honest/format.ts';
import { bank } from './faults/bank.ts';
import type { Fault } from './faults/fault.ts';
import { reference } from './implementation.ts';
import { deviation, rms, shareOf, type Band } from './tolerance.ts';
import { traceCase, type Trace } from './trace.ts';

/** Some mistakes, and how far they explain what was found. */
export interface Explanation {
  /** One, or some that were made together. */
  readonly faults: readonly Fault[];
  /** The largest share of any tap's budget that is left; infinite where it does not explain everything. */
  readonly share: number;
  /**
   * How many of the taps that they supply it explains, in the order of the data flow, before the first that it does
   * not.
   */
  readonly reaches: number;
}

/** The mistakes that explain what was found best. */
export interface Diagnosis {
  /** The best explanation; undefined where no fault helps. */
  readonly best: Explanation | undefined;
  /** Others that explain everything as well: on this case they cannot be told apart. */
  readonly equivalent: readonly Fault[];
  readonly complete: boolean;
  readonly taps: number;
}

/**
 * Errors of rounding grow as the mistake lets them, so an explanation may miss by more than the budget of the truth.
 */
export const closeEnough = 2.5;

/** So many mistakes are sought at once. */
const mostFaults = 3;

/** What a case gives with faults: computed when asked for, and once. */
export interface FaultyTraces {
  /** All taps of the case with these faults; undefined where they do not apply to it. */
  of(faults: readonly Fault[]): Trace | undefined;
}

/** @param names the taps that are wanted */
export function faultyTraces(one: Case, format: Format, names: ReadonlySet<string>): FaultyTraces {
  const known = new Map<string, Trace | undefined>();
  return {
    of(faults) {
      const key = faults.map(({ name }) => name).join('+');
      if (!known.has(key)) known.set(key, attempt(one, format, names, faults));
      return known.get(key);
    },
  };
}

/** Undefined where the fault does not apply: the shapes no longer fit, or the setting is refused. */
function attempt(one: Case, format: Format, names: ReadonlySet<string>, faults: readonly Fault[]): Trace | undefined {
  const implementation = faults.reduce((changed, fault) => fault.apply(changed), reference);
  try {
    return traceCase(one, implementation, { storage: format.storage, compute: 'f64' }, { names });
  } catch (error) {
    if (error instanceof RangeError || error instanceof InputError) return undefined;
    throw error;
  }
}

/** Whether a fault changes anything that would be noticed in some tap. */
export function affects(bands: ReadonlyMap<string, Band>, faulty: Trace): boolean {
  return [...bands].some(([name, band]) => {
    const found = faulty.get(name);
    return found !== undefined && !(shareOf(deviation(found, band.truth, band.scale), band) <= 1);
  });
}

/**
 * @param bands of the taps that they supply
 * @param theirs in double precision
 */
export function diagnose(
  bands: ReadonlyMap<string, Band>,
  theirs: Trace,
  format: Format,
  traces: FaultyTraces,
  onProgress: (done: number, total: number) => void = () => {},
): Diagnosis {
  const taps = [...bands];
  const judge = (faults: readonly Fault[], limit: number): Explanation => {
    const faulty = traces.of(faults);
    let share = 0;
    for (const [reaches, [name, band]] of taps.entries()) {
      const here = faulty ? distance(theirs, faulty, name, band, format) : Infinity;
      if (!(here <= limit)) return { faults, share: Infinity, reaches };
      share = Math.max(share, here);
    }
    return { faults, share, reaches: taps.length };
  };

  let best = judge([], 1);
  let equivalent: readonly Fault[] = [];
  for (let depth = 0; depth < mostFaults && best.reaches < taps.length; depth++) {
    const found = bank
      .filter((fault) => !best.faults.includes(fault))
      .map((fault, i) => {
        onProgress(i, bank.length);
        return judge([...best.faults, fault], closeEnough);
      });
    const sorted = found.sort((a, b) => b.reaches - a.reaches || a.share - b.share);
    if (sorted[0].reaches <= best.reaches) break;
    // Where the mistake is small, no mistake is close enough as well: what counts is who is closest.
    const complete = sorted.filter(
      ({ reaches, share }) => reaches === taps.length && share <= Math.max(1, 1.2 * sorted[0].share),
    );
    best = complete.length > 0 ? firstOfEqual(complete, traces, bands, format) : sorted[0];
    equivalent = complete.filter(({ faults }) => faults !== best.faults).flatMap(({ faults }) => faults.slice(-1));
  }
  const isPlain = best.faults.length === 0;
  return {
    best: isPlain ? undefined : best,
    equivalent,
    complete: !isPlain && best.reaches === taps.length,
    taps: taps.length,
  };
}

/** Of explanations that give the same numbers, the first in the order of the bank; else the closest. */
function firstOfEqual(
  sorted: readonly Explanation[],
  traces: FaultyTraces,
  bands: ReadonlyMap<string, Band>,
  format: Format,
): Explanation {
  const closest = traces.of(sorted[0].faults);
  const same = sorted.filter(({ faults }) => {
    const faulty = traces.of(faults);
    return [...bands].every(([name, band]) =>
      faulty && closest ? distance(faulty, closest, name, band, format) <= 0.05 : false,
    );
  });
  const placeOf = ({ faults }: Explanation): number =>
    Math.max(-1, ...faults.slice(-1).map((last) => bank.indexOf(last)));
  return [...same].sort((a, b) => placeOf(a) - placeOf(b))[0];
}

/**
 * How far two traces lie apart at one tap, as a share of its budget. A tap that one of them lacks is beyond any.
 * Where a mistake makes large numbers of small ones, their errors have grown with them; so the scale grows as well.
 */
function distance(found: Trace, faulty: Trace, name: string, band: Band, { stored }: Format): number {
  const [a, b] = [found.get(name), faulty.get(name)];
  if (!a || !b || a.data.length !== b.data.length) return Infinity;
  const moved = band.truth.data.map((value, i) =>
    Number.isFinite(b.data[i] - value) ? Math.abs(b.data[i] - value) : 0,
  );
  const relative = rms(band.scale) / (rms(band.truth.data) || 1);
  const common = rms(moved);
  const rounding = common > 0 ? stored : 0;
  return shareOf(
    deviation(
      a,
      b,
      band.scale.map(
        (scale, i) =>
          scale + relative * (moved[i] + common) + rounding * Math.min(Math.abs(b.data[i]), Number.MAX_VALUE),
      ),
    ),
    band,
  );
}
