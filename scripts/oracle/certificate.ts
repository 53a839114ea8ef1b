/**
 * The certificate of the oracle, fixtures/oracle/certificate.json: which mistake shows in which case, at which tap
 * first and how clearly, and whether it is named; and how much of their budget honest computations use that nobody has
 * tuned.
 *
 * A mistake is planted in a port that adds in another order than the reference, in float32, and the port is checked
 * like any other. `first`: its name comes first. `tied`: another mistake gives the same numbers in this case and is
 * named first.
 *
 * Run: npx tsx scripts/oracle/certificate.ts (minutes)
 */
import { writeFileSync } from 'node:fs';
import { cast } from '../../src/tensor/rounding.ts';
import { affects, diagnose, faultyTraces } from '../../src/oracle/diagnosis.ts';
import { bank, invisible } from '../../src/oracle/faults/bank.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import { bandsOf, deviation, shareOf, type Band } from '../../src/oracle/tolerance.ts';
import { traceCase, type Trace } from '../../src/oracle/trace.ts';
import { caseNames, loadCase, smallCases } from '../../test/oracle/cases.ts';
import { heldOut, port } from '../../test/oracle/ports.ts';

type Naming = 'first' | 'tied' | 'other';
/** The first tap beyond its budget, its share, how the mistake was named. */
type Entry = readonly [tap: string, share: number, naming: Naming];

const single = { storage: 'f32', compute: 'f32' } as const;
const f32 = formats.f32;
const honest = port(heldOut['runs of 16']);
const faults: Record<string, Record<string, Entry>> = Object.fromEntries(bank.map(({ name }) => [name, {}]));
const torch: Record<string, number> = {};
const others: Record<string, number> = {};

const worst = (bands: ReadonlyMap<string, Band>, found: Trace): number =>
  Math.max(
    0,
    ...[...bands].map(([tap, band]) =>
      found.has(tap) ? shareOf(deviation(cast(found.get(tap)!, 'f64'), band.truth, band.scale), band) : 0,
    ),
  );
const rounded = (share: number): number => Number(share.toPrecision(3));

for (const name of caseNames) {
  const one = await loadCase(name);
  const names = new Set(one.expected.keys());
  const bands = bandsOf(one, f32, names);
  torch[name] = rounded(
    worst(bands, new Map([...one.expected].flatMap(([tap, { f32: value }]) => (value ? [[tap, value] as const] : [])))),
  );
  others[name] = rounded(
    Math.max(
      ...Object.values(heldOut).map((arithmetic) => worst(bands, traceCase(one, port(arithmetic), single, { names }))),
    ),
  );
  if (!smallCases.includes(name)) continue;
  const traces = faultyTraces(one, f32, names);
  for (const fault of bank) {
    const expected = traces.of([fault]);
    if (!expected || !affects(bands, expected)) continue;
    const theirs = new Map(
      [...traceCase(one, fault.apply(honest), single, { names })].map(([tap, value]) => [tap, cast(value, 'f64')]),
    );
    const supplied = new Map([...bands].filter(([tap]) => theirs.has(tap)));
    const caught = [...supplied]
      .map(([tap, band]) => [tap, shareOf(deviation(theirs.get(tap)!, band.truth, band.scale), band)] as const)
      .find(([, share]) => !(share <= 1));
    const { best, equivalent } = diagnose(supplied, theirs, f32, traces);
    const naming =
      best?.faults.length === 1 && best.faults[0] === fault
        ? 'first'
        : best?.faults.length === 1 && equivalent.includes(fault)
          ? 'tied'
          : 'other';
    const missing = [...names].find((tap) => !theirs.has(tap));
    if (caught) faults[fault.name][name] = [caught[0], Number.isFinite(caught[1]) ? rounded(caught[1]) : 1e99, naming];
    else if (missing !== undefined) faults[fault.name][name] = [missing, 1e99, naming];
  }
  process.stderr.write(`${name}\n`);
}

const entries = Object.values(faults).flatMap((cases) => Object.values(cases));
const count = (wanted: Naming): number => entries.filter(([, , naming]) => naming === wanted).length;
const summary = {
  faults: bank.length,
  pairs: entries.length,
  first: count('first'),
  tied: count('tied'),
  other: count('other'),
};
const lines = (value: object): string =>
  Object.entries(value)
    .map(([key, inner]) => `  ${JSON.stringify(key)}: ${JSON.stringify(inner)}`)
    .join(',\n');
writeFileSync(
  new URL('../../fixtures/oracle/certificate.json', import.meta.url),
  `{
 "command": "npx tsx scripts/oracle/certificate.ts",
 "summary": ${JSON.stringify(summary)},
 "invisible": ${JSON.stringify(invisible)},
 "shareOfBudget": {
  "PyTorch float32": ${JSON.stringify(torch)},
  "other orders of summation": ${JSON.stringify(others)}
 },
 "faults": {
${lines(faults)}
 }
}
`,
);
process.stderr.write(`${JSON.stringify(summary)}\n`);
