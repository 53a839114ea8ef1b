/**
 * The certificate of the oracle, fixtures/oracle/certificate.json: which mistake shows in which case, at which tap
 * first and how clearly, and whether it is named; and how much of their budget honest computations use that nobody has
 * tuned.
 *
 * A mistake is planted in a port that adds in another order than the reference, in float32, and that runs every pass
 * from its start and writes every tap, as ports do; and the port is checked like any other. `first`: its name comes
 * first. `tied`: another mistake gives the same numbers in this case and is named first. `none`: no mistake is named,
 * for none explains the numbers better than another honest rounding by the margin. `other`: a wrong name. Under
 * `unknown` stand mistakes that are not in the bank (test/oracle/unknown-mistakes.ts): `none` is right there.
 *
 * Run: npx tsx scripts/oracle/certificate.ts (a quarter of an hour); with names of cases or groups it only shows what
 * it finds there, and with --write it puts that in the place of what the certificate says of them
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cast } from '../../src/tensor/rounding.ts';
import type { Case } from '../../src/oracle/case.ts';
import { isIndependent } from '../../src/oracle/check.ts';
import {
  affects,
  diagnose,
  diagnoseProbes,
  faultyTraces,
  rememberedTraces,
  type Diagnosis,
  type FaultyTraces,
} from '../../src/oracle/diagnosis.ts';
import { bank, invisible } from '../../src/oracle/faults/bank.ts';
import type { Fault } from '../../src/oracle/faults/fault.ts';
import { trainingFaults } from '../../src/oracle/faults/training.ts';
import { recognised } from '../../src/oracle/findings.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import { entryOf } from '../../src/oracle/lookup.ts';
import { bandsOf, deviation, shareOf, type Band } from '../../src/oracle/tolerance.ts';
import { traceCase, type Trace } from '../../src/oracle/trace.ts';
import { caseNames, loadCase, smallCases } from '../../test/oracle/cases.ts';
import { heldOut, port } from '../../test/oracle/ports.ts';
import { unknownInTraining, unknownMistakes } from '../../test/oracle/unknown-mistakes.ts';

type Naming = 'first' | 'tied' | 'none' | 'other';
/** The first tap beyond its budget, its share, how the mistake was named. */
type Entry = readonly [tap: string, share: number, naming: Naming];

const single = { storage: 'f32', compute: 'f32' } as const;
const f32 = formats.f32;
/** The share of what is beyond all numbers, which JSON does not have. */
const endless = 1e99;
const order = heldOut['runs of 16'];
if (!order) throw new Error('the ports of the tests have no order of summation "runs of 16"');
const honest = port(order);
const faults = new Map([...bank, ...unknownMistakes].map(({ name }) => [name, {} as Record<string, Entry>]));
const torch: Record<string, number> = {};
const others: Record<string, number> = {};

const certificate = new URL('../../fixtures/oracle/certificate.json', import.meta.url);
const writes = process.argv.includes('--write') || process.argv.length === 2;
const chosen = process.argv.slice(2).filter((argument) => argument !== '--write');
const isChosen = (name: string): boolean =>
  chosen.length === 0 || chosen.some((wanted) => name === wanted || name.startsWith(`${wanted}/`));
for (const name of caseNames.filter(isChosen)) {
  const start = performance.now();
  const one = await loadCase(name);
  const names = new Set(one.expected.keys());
  const bands = bandsOf(one, f32, names);
  const expected = [...one.expected].flatMap(([tap, { f32: value }]) => (value ? [[tap, value] as const] : []));
  torch[name] = rounded(worst(bands, new Map(expected)));
  const heldOutTraces = Object.values(heldOut).map((arithmetic) => traceCase(one, port(arithmetic), single, { names }));
  others[name] = rounded(Math.max(...heldOutTraces.map((found) => worst(bands, found))));
  if (smallCases.includes(name)) plantFaults(one, bands, names);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stderr.write(`${name} ${seconds} s, shares of budgets: PyTorch ${torch[name]}, others ${others[name]}\n`);
}

/** Plants every mistake of the bank that shows in the case, and writes down what becomes of it. */
function plantFaults(one: Case, bands: ReadonlyMap<string, Band>, names: ReadonlySet<string>): void {
  const traces = rememberedTraces(faultyTraces(one, f32, names));
  for (const fault of plantedIn(one)) {
    const expected = traces.of([fault]);
    if (!expected || !affects(bands, expected)) continue;
    const theirs = new Map(
      [...traceCase(one, fault.apply(honest), single, { names, apart: true })].map(([tap, value]) => [
        tap,
        cast(value, 'f64'),
      ]),
    );
    const supplied = new Map([...bands].filter(([tap]) => theirs.has(tap)));
    const isSame: IsSame = (named, about = [...bands.keys()]) =>
      givesTheSame(new Map(about.map((tap) => [tap, entryOf(bands, tap)])), expected, traces.of([named]));
    const naming = namingOf(fault, diagnosesOf(one, supplied, theirs, traces), isSame);
    const found = firstBeyond(supplied, theirs) ?? firstMissing(names, theirs);
    const entries = faults.get(fault.name);
    if (!found) process.stderr.write(`${one.name}: ${fault.name} is missed, though it shows\n`);
    if (found && entries) entries[one.name] = [...found, naming];
  }
}

/**
 * Where gradients are asked for, only mistakes of gradients are planted: the others change the way there alone, and a
 * port that makes them has their gradients.
 */
function plantedIn({ subject: { kind } }: Case): readonly Fault[] {
  return kind === 'gradient' || kind === 'derivative'
    ? [...trainingFaults, ...unknownInTraining]
    : [...bank, ...unknownMistakes];
}

/** As findings.ts does it, with traces that are computed once for all mistakes. */
function diagnosesOf(
  one: Case,
  bands: ReadonlyMap<string, Band>,
  theirs: Trace,
  traces: FaultyTraces,
): readonly Diagnosis[] {
  if (!isIndependent(one)) return [diagnose(bands, theirs, f32, traces)];
  const off = sharesOf(bands, theirs).flatMap(([tap, share]) => (share <= 1 ? [] : [tap]));
  return diagnoseProbes(
    bands,
    off,
    theirs,
    f32,
    () => traces,
    (probe) => recognised(one, probe, theirs.get(probe)),
  );
}

/** Whether a mistake gives the same numbers at some taps of this case; at all, unless given. */
type IsSame = (named: Fault, about?: readonly string[]) => boolean;

/** Probes that are no sign of a mistake have no name; a wrong one at any of them counts. */
function namingOf(fault: Fault, diagnoses: readonly Diagnosis[], isSame: IsSame): Naming {
  const namings = diagnoses.map(({ best, equivalent, about }): Naming => {
    if (!best) return 'none';
    const [named, ...more] = best.faults;
    if (named === fault && more.length === 0) return 'first';
    const isTied = equivalent.includes(fault) || (!bank.includes(fault) && named !== undefined && isSame(named, about));
    return isTied && more.length === 0 ? 'tied' : 'other';
  });
  return (['other', 'first', 'tied'] as const).find((naming) => namings.includes(naming)) ?? 'none';
}

/** Whether two mistakes give the same numbers, but for what is far below any rounding. */
function givesTheSame(bands: ReadonlyMap<string, Band>, one: Trace, other: Trace | undefined): boolean {
  return [...bands].every(([tap, band]) => {
    const [a, b] = [one.get(tap), other?.get(tap)];
    if (!a || !b) return a === b;
    return a.data.length === b.data.length && shareOf(deviation(a, b, band.scale), band) <= 0.05;
  });
}

type Caught = readonly [tap: string, share: number];

/** The first tap that is beyond its budget. */
function firstBeyond(bands: ReadonlyMap<string, Band>, theirs: Trace): Caught | undefined {
  const shares = sharesOf(bands, theirs);
  const caught = shares.find(([, share]) => !(share <= 1));
  return caught && [caught[0], Number.isFinite(caught[1]) ? rounded(caught[1]) : endless];
}

function firstMissing(names: ReadonlySet<string>, theirs: Trace): Caught | undefined {
  const missing = [...names].find((tap) => !theirs.has(tap));
  return missing === undefined ? undefined : [missing, endless];
}

/** The share of its budget that each tap uses. */
function sharesOf(bands: ReadonlyMap<string, Band>, found: Trace): readonly Caught[] {
  return [...bands].flatMap(([tap, band]) => {
    const value = found.get(tap);
    return value ? [[tap, shareOf(deviation(cast(value, 'f64'), band.truth, band.scale), band)] as const] : [];
  });
}

function worst(bands: ReadonlyMap<string, Band>, found: Trace): number {
  return Math.max(0, ...sharesOf(bands, found).map(([, share]) => share));
}

function rounded(share: number): number {
  return Number(share.toPrecision(3));
}

/** What the certificate says of cases that are not chosen, put to what was found. */
function addOthers(): void {
  const kept = (name: string): boolean => caseNames.includes(name) && !isChosen(name);
  const known = JSON.parse(readFileSync(certificate, 'utf8')) as Certificate;
  const add = <T>(found: Record<string, T>, before: Readonly<Record<string, T>> = {}): void => {
    const all = { ...found, ...Object.fromEntries(Object.entries(before).filter(([name]) => kept(name))) };
    for (const name of Object.keys(found)) delete found[name];
    for (const name of caseNames) if (Object.hasOwn(all, name)) Object.assign(found, { [name]: all[name] });
  };
  for (const [fault, cases] of faults) add(cases, known.faults[fault] ?? known.unknown[fault]);
  add(torch, known.shareOfBudget['PyTorch float32']);
  add(others, known.shareOfBudget['other orders of summation']);
}

interface Certificate {
  readonly shareOfBudget: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly faults: Readonly<Record<string, Readonly<Record<string, Entry>>>>;
  readonly unknown: Readonly<Record<string, Readonly<Record<string, Entry>>>>;
}

for (const [fault, cases] of faults)
  for (const [name, entry] of Object.entries(cases))
    if (chosen.length > 0 && entry[2] !== 'first') process.stderr.write(`${name} ${fault}: ${entry.join(' ')}\n`);
if (writes && chosen.length > 0) addOthers();

/** The mistakes of the bank, or those that it does not know, and what became of them. */
const entriesOf = (mistakes: readonly Fault[]): Record<string, Record<string, Entry>> =>
  Object.fromEntries(mistakes.map(({ name }) => [name, faults.get(name) ?? {}]));
const known = entriesOf(bank);
const unknown = entriesOf(unknownMistakes);
const counted = (entries: Record<string, Record<string, Entry>>): Record<'pairs' | Naming, number> => {
  const all = Object.values(entries).flatMap((cases) => Object.values(cases));
  const count = (wanted: Naming): number => all.filter(([, , naming]) => naming === wanted).length;
  return { pairs: all.length, first: count('first'), tied: count('tied'), none: count('none'), other: count('other') };
};
const { first: _, ...ofUnknown } = counted(unknown);
const summary = {
  faults: bank.length,
  ...counted(known),
  unknown: { mistakes: unknownMistakes.length, ...ofUnknown },
};
const lines = (value: object): string =>
  Object.entries(value)
    .map(([key, inner]) => `  ${JSON.stringify(key)}: ${JSON.stringify(inner)}`)
    .join(',\n');
if (writes)
  writeFileSync(
    certificate,
    `{
 "command": "npx tsx scripts/oracle/certificate.ts",
 "summary": ${JSON.stringify(summary)},
 "invisible": ${JSON.stringify(invisible)},
 "shareOfBudget": {
  "PyTorch float32": ${JSON.stringify(torch)},
  "other orders of summation": ${JSON.stringify(others)}
 },
 "faults": {
${lines(known)}
 },
 "unknown": {
${lines(unknown)}
 }
}
`,
  );
process.stderr.write(`${JSON.stringify(summary)}\n`);
