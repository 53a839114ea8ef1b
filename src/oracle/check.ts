/**
 * Checks what a port computed for a case. Every tap is judged twice:
 *
 * - *chained*: against the truth. The budget includes what honest errors of all earlier layers have grown into.
 * - *local*: against what follows from *their own* earlier taps. So a layer is found wrong although its input is, and a
 *   layer that does the right thing to a wrong input is told apart from the one that made it wrong.
 */
import { mustBe } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import { sameShape, shapeText, sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { SafetensorsFile } from '../formats/safetensors.ts';
import { matchesAny } from '../models/taps.ts';
import { align, plainName, tapsOf } from './align.ts';
import type { Case } from './case.ts';
import type { Format } from './honest/format.ts';
import { reference } from './implementation.ts';
import { entryOf } from './lookup.ts';
import { heatOf, measure, type Heat, type Measures } from './measures.ts';
import { globsOf } from './only.ts';
import { outlineOf } from './outline.ts';
import { bandsOf, deviation, rms, shareOf, type Band, type Deviation } from './tolerance.ts';
import { traceCase, type Trace } from './trace.ts';

/**
 * - `ok`: within both budgets.
 * - `wrong`: it does not follow from their own earlier taps. The mistake is between them and here.
 * - `inherited`: it follows from their earlier taps, which are wrong.
 * - `not finite`: NaN or infinity where the truth has numbers.
 */
export type Status = 'ok' | 'wrong' | 'inherited' | 'not finite';

/** How a tap stands against one of its two budgets. */
export interface Judgement {
  readonly deviation: Deviation;
  readonly budget: Deviation;
  /** Of the budget. */
  readonly share: number;
  /** The root mean square deviation of the best and the worst honest port. */
  readonly honest: readonly [number, number];
}

/** What is said of one of their tensors. */
export interface TapReport {
  readonly name: string;
  readonly shape: readonly number[];
  readonly status: Status;
  readonly chained: Judgement;
  readonly local: Judgement;
  readonly measures: Measures;
  readonly heat: Heat;
  readonly note: string | undefined;
}

/** What a check found. */
export interface Report {
  readonly case: Case;
  readonly format: Format;
  /** Whether the taps are probes, none of which is computed from another: then each is judged by itself. */
  readonly independent: boolean;
  /** In the order of the data flow. */
  readonly taps: readonly TapReport[];
  /** Taps that should be there and are not. */
  readonly missing: readonly string[];
  /** By tap: why it cannot be compared. */
  readonly problems: ReadonlyMap<string, string>;
  /** Their tensors that are no taps. */
  readonly unknown: readonly string[];
  /** The first tap, in the order of the data flow, that is wrong by itself; where none is, the first that is off. */
  readonly first: TapReport | undefined;
  /** The last of their taps before it that is right. */
  readonly lastGood: TapReport | undefined;
  readonly passes: boolean;
}

/** What a check knows besides its report: for the diagnosis. */
export interface Checked {
  readonly report: Report;
  readonly theirs: Trace;
  readonly bands: ReadonlyMap<string, Band>;
}

const aFormat = mustBe('one of `formats`, as formats.f32', (value) => {
  return typeof (Object(value) as Partial<Format>).storage === 'string';
});

/**
 * Holds their tensors against the truth of a case.
 * @param only globs of the taps that are meant to be there, each alone or parted by commas; all, unless given
 * @param known the bands of the case in this precision, where a file has them: they are computed where it lacks one
 * @throws InputError when a glob names nothing, the file holds no tap that is wanted, the precision does not apply to
 *   the case, or the case was changed
 */
export function check(
  one: Case,
  file: SafetensorsFile,
  format: Format,
  only?: readonly string[],
  known: ReadonlyMap<string, Band> = new Map(),
): Checked {
  aFormat('the format', format);
  const { truth, bands: given } = truthFor(one, file, format, known);
  const { found, shared, notes, problems, unknown } = align(file, truth, format.name);
  const globs = only && globsOf(only, [...truth.keys(), ...shared.keys()], one.name);
  const wanted = (name: string): boolean => !globs || matchesAny(globs, name);
  const theirs: Trace = new Map(
    [...found].filter(([name]) => wanted(name)).map(([name, value]) => [name, cast(value, 'f64')]),
  );
  const unread = new Map([...problems].filter(([name]) => wanted(name)));
  if (theirs.size + unread.size === 0) refuseOthers(one, file);
  const sharedTaps = new Map([...shared].filter(([name]) => wanted(name)));

  const names = new Set([...theirs.keys(), ...[...sharedTaps.keys()].map(plainName)]);
  const bands = given ?? inPrecision(one, format, () => bandsOf(one, format, names, { truth }));
  const independent = isIndependent(one);
  const localBands = independent ? bands : bandsOf(one, format, names, { forced: theirs });
  const taps = [...truth.keys()]
    .filter((name) => theirs.has(name))
    .map((name) =>
      tapReport(name, entryOf(theirs, name), entryOf(bands, name), entryOf(localBands, name), notes.get(name)),
    );
  const apart = departures(sharedTaps, theirs, bands);
  const missing = [...one.expected.keys()].filter((name) => wanted(name) && !theirs.has(name) && !unread.has(name));
  return {
    report: {
      case: one,
      format,
      independent,
      taps,
      missing,
      problems: new Map([...unread, ...apart]),
      unknown,
      ...verdictOn(taps, missing.length + unread.size + apart.size),
    },
    theirs,
    bands: new Map([...bands].filter(([name]) => theirs.has(name))),
  };
}

interface Truth {
  /** Every tap of the case, in the order of the data flow. */
  readonly truth: Trace;
  /** Where they are known of all taps that are to be compared; the truth of the others then means nothing. */
  readonly bands?: ReadonlyMap<string, Band>;
}

/** The truth of what their file holds: computed only where it has taps that could be compared and are not known. */
function truthFor(one: Case, file: SafetensorsFile, format: Format, known: ReadonlyMap<string, Band>): Truth {
  const outline = inPrecision(one, format, () => outlineOf(one));
  const taps = tapsOf(file, outline);
  if (taps.size === 0) refuseOthers(one, file);
  const unknown = [...taps].filter(([tap, sizes]) => sizes.has(sizeOf(entryOf(outline, tap).shape)) && !known.has(tap));
  if (unknown.length === 0)
    return {
      truth: new Map([...outline].map(([name, value]) => [name, known.get(name)?.truth ?? value])),
      bands: known,
    };
  const truth = inPrecision(one, format, () => traceCase(one, reference, { storage: format.storage, compute: 'f64' }));
  // In other precisions inputs are rounded first, and the truth is not that of the file; a second one would double the
  // time.
  if (format.storage === 'f32') refuseChanged(one, truth);
  return { truth };
}

/** Whether the taps of a case are probes, none of which is computed from another. */
export function isIndependent({ subject: { kind } }: Case): boolean {
  return kind === 'operation' || kind === 'embedding' || kind === 'derivative';
}

/** A file that belongs to something else. */
function refuseOthers(one: Case, { source, entries }: SafetensorsFile): never {
  const [found, expected] = [entries, one.expected].map((of) => [...of.keys()].slice(0, 8).join(', '));
  throw new InputError(
    `${source} holds no tap of ${one.name}; it has ${found || 'no tensors'}; expected are ${expected}`,
  );
}

/** Taps before the first perturbed layer that are not the same in both passes. */
function departures(shared: Trace, theirs: Trace, bands: ReadonlyMap<string, Band>): ReadonlyMap<string, string> {
  const apart = [...shared].filter(([name, value]) => {
    const plain = plainName(name);
    const band = entryOf(bands, plain);
    return !(shareOf(deviation(cast(value, 'f64'), theirs.get(plain) ?? band.truth, band.scale), band) <= 1);
  });
  return new Map(
    apart.map(([name]) => [
      name,
      `is not what ${plainName(name)} is; before the first perturbed layer the two passes are the same`,
    ]),
  );
}

function tapReport(name: string, found: Tensor, band: Band, localBand: Band, note: string | undefined): TapReport {
  const chained = judge(found, band);
  const local = judge(found, localBand);
  const measures = measure(found, band);
  return {
    name,
    shape: band.truth.shape,
    status: statusOf(chained, local, measures),
    chained,
    local,
    measures,
    heat: heatOf(found, band),
    note,
  };
}

/** A share that is NaN is beyond any budget. */
function statusOf(chained: Judgement, local: Judgement, { notFinite }: Measures): Status {
  if (notFinite) return 'not finite';
  if (!(local.share <= 1)) return 'wrong';
  return chained.share <= 1 ? 'ok' : 'inherited';
}

/**
 * What follows from the taps together. The first that is wrong by itself goes before an earlier one that is off by what
 * came before it: there the mistake shows.
 * @param others how many things are wrong besides the taps
 */
export function verdictOn<Tap extends Pick<TapReport, 'status'>>(
  taps: readonly Tap[],
  others: number,
): { readonly first: Tap | undefined; readonly lastGood: Tap | undefined; readonly passes: boolean } {
  const first =
    taps.find(({ status }) => status === 'wrong' || status === 'not finite') ??
    taps.find(({ status }) => status !== 'ok');
  const before = first ? taps.slice(0, taps.indexOf(first)) : [];
  return {
    first,
    lastGood: before.filter(({ status }) => status === 'ok').at(-1),
    passes: !first && others === 0 && taps.length > 0,
  };
}

/**
 * Above rounding in double precision, and the float32 tables of some schedulers; far below what any setting changes.
 */
const unchanged = 1e-6;

/**
 * A port is held against what is computed here, so that must be what the case says should come out. It is not where
 * somebody has edited the settings or the weights.
 */
function refuseChanged(one: Case, truth: Trace): void {
  for (const [name, { f64 }] of one.expected) {
    const ours = truth.get(name);
    if (!ours || !sameShape(ours.shape, f64.shape)) {
      throw new InputError(
        `${one.name}: its settings do not lead to the tap ${name} ${shapeText(f64.shape)} of expected.safetensors; ` +
          'case.json was changed',
      );
    }
    if (!(deviation(ours, f64, new Float64Array(f64.data.length).fill(rms(f64.data) || 1)).max <= unchanged)) {
      throw new InputError(
        `${one.name}: its settings and weights do not give the ${name} of expected.safetensors; ` +
          'case.json or weights.safetensors was changed',
      );
    }
  }
}

function judge(found: Tensor, band: Band): Judgement {
  const away = deviation(found, band.truth, band.scale);
  return {
    deviation: away,
    budget: band.budget,
    share: shareOf(away, band),
    honest: band.honest,
  };
}

/**
 * Some operations are defined for some precisions only, and a case that somebody changed may ask for what there is not.
 */
function inPrecision<T>(one: Case, format: Format, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    if (error instanceof InputError || error instanceof TypeError || error instanceof RangeError)
      throw new InputError(`${one.name} cannot be computed in ${format.name}: ${error.message}`);
    throw error;
  }
}
