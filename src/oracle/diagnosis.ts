/**
 * Which mistake is it? The case is computed once more with every fault of the bank, and the fault whose numbers are
 * theirs is named. Where no single one is, the one is sought that explains the most of the data flow, and then a second
 * on top of it.
 */
import { mustBe } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Case } from './case.ts';
import type { Format } from './honest/format.ts';
import { bank } from './faults/bank.ts';
import type { Fault } from './faults/fault.ts';
import { differing, noting as notingCalls, type FunctionNames } from './called.ts';
import { reference, type Implementation } from './implementation.ts';
import { entryOf, remembered } from './lookup.ts';
import { deviation, margin, rms, shareOf, type Band } from './tolerance.ts';
import { remembering } from './remembered-kernels.ts';
import { aCase, preparedFor, traceCase, type Precision, type Trace, type TraceOptions } from './trace.ts';

/** Some mistakes, and how far they explain what was found. */
export interface Explanation {
  /** One, or some that were made together. */
  readonly faults: readonly Fault[];
  /** The largest share of a budget that is left, of the taps that it explains. */
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
  /** Others that give the same numbers as far as the best explains them: on this case they cannot be told apart. */
  readonly equivalent: readonly Fault[];
  readonly complete: boolean;
  /** How many taps were to be explained. */
  readonly taps: number;
  /** Their names, where they are only some: of probes each has a diagnosis of its own. */
  readonly about?: readonly string[];
}

/**
 * Errors of rounding grow as the mistake lets them, so an explanation may miss by more than the budget of the truth.
 */
export const closeEnough = 2.5;

/** An explanation that another mistake may join. */
interface Before extends Explanation {
  /** What it leaves of each tap. */
  readonly left: readonly number[];
}

/**
 * What is left beside a mistake is another one only where it is so large, and where that explains it within the budget:
 * of hundreds of mistakes one fits by chance to what rounding has grown into.
 */
const another = { least: margin * closeEnough, within: 1 };

const isMap = mustBe('a Map of taps by name, as check gives it', (value) => value instanceof Map);

/** So many mistakes are sought at once. */
const mostFaults = 3;

/** What a case gives with faults. */
export interface FaultyTraces {
  /**
   * All taps of the case with these faults, as a port writes them that runs every pass from its start; undefined where
   * the faults do not apply to it.
   * @param goOn is told of every tap; where it says no, the rest is not wanted
   */
  of(faults: readonly Fault[], goOn?: TraceOptions['goOn']): Trace | undefined;
}

/**
 * Traces that are computed as far as they are asked for, each time. Where a mistake is in no function that is called
 * without it, the trace is the one without it, and what it does not change on the way is computed once for all.
 * @param names the taps that are wanted
 */
export function faultyTraces(one: Case, format: Format, names: ReadonlySet<string>): FaultyTraces {
  aCase('the case', one);
  const { kernels, learn } = remembering(reference.kernels);
  const right = { ...reference, kernels };
  const options = { names, apart: true, prepared: preparedFor(one, precisionOf(format)) };
  const before = new Map<string, Run>();
  const runOf = (faults: readonly Fault[]): Run => {
    const key = namesOf(faults);
    const implementation = faults.reduce((changed, fault) => fault.apply(changed), right);
    const run = before.get(key) ?? noted(one, format, options, implementation);
    before.set(key, run);
    return run;
  };
  learn(() => runOf([]));
  return {
    of(faults, goOn) {
      const last = faults.at(-1);
      if (!last) return runOf([]).trace;
      const { implementation, called, trace } = runOf(faults.slice(0, -1));
      const mistaken = last.apply(implementation);
      const changes = [...differing(implementation, mistaken)].some((name) => called.has(name));
      return changes ? attempt(one, format, { ...options, ...(goOn && { goOn }) }, mistaken) : trace;
    },
  };
}

/** What a case gives, and by which functions. */
interface Run {
  readonly implementation: Implementation;
  readonly called: FunctionNames;
  readonly trace: Trace | undefined;
}

function noted(one: Case, format: Format, options: TraceOptions, implementation: Implementation): Run {
  const [noting, called] = notingCalls(implementation);
  return { implementation, called, trace: attempt(one, format, options, noting) };
}

/** The same; what a single fault gives is remembered, as far as it was asked for, and where that is too little, all. */
export function rememberedTraces(traces: FaultyTraces): FaultyTraces {
  const known = new Map<string, { readonly trace: Trace | undefined; readonly isWhole: boolean }>();
  return {
    of(faults, goOn = () => true) {
      if (faults.length > 1) return traces.of(faults, goOn);
      const key = namesOf(faults);
      const before = known.get(key);
      if (before?.isWhole || [...(before?.trace ?? [])].some(([name, value]) => !goOn(name, value)))
        return before?.trace;
      let isWhole = true;
      const asFar: TraceOptions['goOn'] = (name, value) => {
        const isWanted = goOn(name, value);
        isWhole &&= isWanted;
        return isWanted;
      };
      const trace = traces.of(faults, before ? undefined : asFar);
      known.set(key, { trace, isWhole });
      return trace;
    },
  };
}

const namesOf = (faults: readonly Fault[]): string => faults.map(({ name }) => name).join();

const precisionOf = ({ storage }: Format): Precision => ({ storage, compute: 'f64' });

/** Undefined where a fault does not apply: the shapes no longer fit, or the setting is refused. */
function attempt(one: Case, format: Format, options: TraceOptions, implementation: Implementation): Trace | undefined {
  try {
    return traceCase(one, implementation, precisionOf(format), options);
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
 * Names the mistakes that explain their taps. A mistake is named only where it explains them better than "another
 * honest rounding" would by `margin`, which is how much worse a port may be that nobody here knows: what is left of
 * their deviations must be less than that part of what there was. So a fault that changes nothing in a case is none.
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
  isMap('the bands', bands);
  isMap('their taps', theirs);
  const taps = [...bands];
  const away = distances(theirs, bands, format);
  /** How far their taps are from those with these faults, up to the first that is beyond the limit. */
  const sharesOf = (faults: readonly Fault[], limit: number): readonly number[] => {
    const faulty = traces.of(faults, (name, value) => !bands.has(name) || away(name, value) <= limit);
    const shares: number[] = [];
    for (const name of bands.keys()) {
      const share = away(name, faulty?.get(name));
      if (!(share <= limit)) break;
      shares.push(share);
    }
    return shares;
  };
  /** @param before the best explanation without the last of these mistakes */
  const explain = (faults: readonly Fault[], before?: Before): Explanation => {
    const shares = sharesOf(faults, before ? closeEnough : 1);
    const reaches = shares.length;
    const share = Math.max(0, ...shares);
    const isBetter = !before || explainsMore(shares, before);
    return { faults, share, reaches: isBetter ? reaches : 0 };
  };

  let best = explain([]);
  let equivalent: readonly Fault[] = [];
  for (let depth = 0; depth < mostFaults && best.reaches < taps.length; depth++) {
    const before = { ...best, left: sharesOf(best.faults, Infinity) };
    const found = bank
      .filter((fault) => !best.faults.includes(fault))
      .map((fault, i) => {
        onProgress(i, bank.length);
        return explain([...best.faults, fault], before);
      });
    const close = closestOf(found);
    if (close[0].reaches <= best.reaches) break;
    best = firstOfEqual(close, traces, new Map(taps.slice(0, close[0].reaches)), format);
    equivalent = close.filter(({ faults }) => faults !== best.faults).flatMap(lastOf);
  }
  const isPlain = best.faults.length === 0;
  return {
    best: isPlain ? undefined : best,
    equivalent,
    complete: !isPlain && best.reaches === taps.length,
    taps: taps.length,
  };
}

/**
 * Whether mistakes leave enough less than those before them, of the taps that they explain.
 * @param shares what they leave of each
 */
function explainsMore(shares: readonly number[], { faults, reaches, left }: Before): boolean {
  const most = (values: readonly number[]): number => Math.max(0, ...values);
  const was = left.slice(0, shares.length);
  if (most(shares) * margin > most(was)) return false;
  return (
    faults.length === 0 || (most(was.slice(reaches)) >= another.least && most(shares.slice(reaches)) <= another.within)
  );
}

/**
 * Names the mistakes of independent probes: each that is off has a diagnosis of its own, and those of one mistake are
 * told together.
 * @param off the probes that are off
 * @param tracesOf the traces of one probe
 * @param recognise a fault that shows in a probe where no trace has just these numbers
 */
export function diagnoseProbes(
  bands: ReadonlyMap<string, Band>,
  off: readonly string[],
  theirs: Trace,
  format: Format,
  tracesOf: (probe: string) => FaultyTraces,
  recognise: (probe: string) => Fault | undefined = () => undefined,
): readonly Diagnosis[] {
  const together = new Map<string, Diagnosis>();
  for (const probe of off) {
    const band = bands.get(probe);
    if (!band) continue;
    const traced = diagnose(new Map([[probe, band]]), theirs, format, tracesOf(probe));
    const seen = traced.best ? undefined : recognise(probe);
    const found = seen ? { ...traced, best: { faults: [seen], share: 1, reaches: 1 }, complete: true } : traced;
    const key = found.best?.faults.map(({ name }) => name).join('+') ?? '';
    const before = together.get(key);
    together.set(key, {
      ...found,
      // What cannot be told from it in one probe may be told in another.
      equivalent: before ? found.equivalent.filter((fault) => before.equivalent.includes(fault)) : found.equivalent,
      taps: (before?.taps ?? 0) + 1,
      about: [...(before?.about ?? []), probe],
    });
  }
  return [...together.values()];
}

const lastOf = ({ faults }: Explanation): readonly Fault[] => faults.slice(-1);

/** The first in the order of the bank. */
function firstOf(explanations: readonly Explanation[]): Explanation {
  const placeOf = (explanation: Explanation): number =>
    Math.max(-1, ...lastOf(explanation).map((last) => bank.indexOf(last)));
  return [...explanations].sort((a, b) => placeOf(a) - placeOf(b))[0];
}

/**
 * Those that reach furthest and are about as close as the closest, which comes first. Where the mistake is small, no
 * mistake is close enough as well: what counts is who is closest.
 */
function closestOf(explanations: readonly Explanation[]): readonly Explanation[] {
  const sorted = [...explanations].sort((a, b) => b.reaches - a.reaches || a.share - b.share);
  const [first] = sorted;
  return sorted.filter(({ reaches, share }) => reaches === first.reaches && share <= Math.max(1, 1.2 * first.share));
}

/** Of explanations that give the same numbers at some taps, the first in the order of the bank; else the closest. */
function firstOfEqual(
  sorted: readonly Explanation[],
  traces: FaultyTraces,
  bands: ReadonlyMap<string, Band>,
  format: Format,
): Explanation {
  const closest = traces.of(sorted[0].faults);
  const same = sorted.filter(({ faults }) => {
    const faulty = traces.of(faults);
    return [...bands].every(([name, band]) => distance(faulty?.get(name), closest?.get(name), band, format) <= 0.05);
  });
  return firstOf(same);
}

/** How far values lie from theirs at a tap; that of each is computed once. */
function distances(
  theirs: Trace,
  bands: ReadonlyMap<string, Band>,
  format: Format,
): (name: string, value: Tensor | undefined) => number {
  const ofTaps = [...bands].map(([name, band]) => {
    return [name, remembered((value: Tensor) => distance(theirs.get(name), value, band, format))] as const;
  });
  const known = new Map(ofTaps);
  return (name, value) => (value ? entryOf(known, name)(value) : Infinity);
}

/**
 * How far two values of a tap lie apart, as a share of its budget. One that is missing is beyond any.
 * Where a mistake makes large numbers of small ones, their errors have grown with them; so the scale grows as well.
 */
function distance(a: Tensor | undefined, b: Tensor | undefined, band: Band, { stored }: Format): number {
  if (!a || !b || a.data.length !== b.data.length) return Infinity;
  const { truth, scale } = band;
  const grown = new Float64Array(scale.length);
  for (let i = 0; i < grown.length; i++) {
    const moved = Math.abs(b.data[i] - truth.data[i]);
    grown[i] = Number.isFinite(moved) ? moved : 0;
  }
  const relative = rms(scale) / (rms(truth.data) || 1);
  const common = rms(grown);
  const rounding = common > 0 ? stored : 0;
  for (let i = 0; i < grown.length; i++)
    grown[i] = scale[i] + relative * (grown[i] + common) + rounding * Math.min(Math.abs(b.data[i]), Number.MAX_VALUE);
  return shareOf(deviation(a, b, grown), band);
}
