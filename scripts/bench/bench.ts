/**
 * Our kernels beside other libraries, each in a process of its own, taking turns: tables, JSON and a chart.
 *
 *     npx tsx scripts/bench/bench.ts [--turns 5] [--threads 1,2] [--only letters,cifar10,…] [--contenders simd,…]
 *         [--node PATH] [--python PATH] [--out DIR] [--publish]
 *
 * More threads than one are for our kernels alone, unless contenders are named. `--publish` puts what was found into
 * this folder's README.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { announcer, minutes } from './announce.ts';
import { cases, type Case } from './cases.ts';
import { chart } from './chart.ts';
import { contenders, type Contender } from './contenders.ts';
import { countOf } from './options.ts';
import { processorName } from './processor.ts';
import { perform, type CaseEntry } from './perform.ts';
import { publish, report } from './report.ts';
import { turnsText, type Results } from './results.ts';
import { installTools, prepare } from './setup.ts';
import { takeTurns } from './turns.ts';

const { values } = parseArgs({
  options: {
    turns: { type: 'string', default: '5' },
    threads: { type: 'string', default: '1,2' },
    only: { type: 'string' },
    contenders: { type: 'string' },
    node: { type: 'string' },
    python: { type: 'string' },
    out: { type: 'string', default: 'scripts/bench/results' },
    publish: { type: 'boolean', default: false },
  },
});
const turns = countOf('turns', values.turns);
const threadCounts = values.threads.split(',').map((text) => countOf('threads', text));
const namedCases = named('case', cases, values.only);
const chosenContenders = named('contender', contenders, values.contenders);
const tools = installTools(values);
const chosenCases = namedCases.filter((one) => prepare(one, tools));
const entries = threadCounts.flatMap(entriesOn);
if (entries.length === 0) throw new Error('there is nothing to run: see above');

const estimate = turns * entries.reduce((sum, { one }) => sum + one.seconds, 0);
console.log(
  `${entries.length} processes a turn, ${turnsText(turns)}: about ${minutes(estimate)} where nothing else runs`,
);
const outcome = await takeTurns(entries, turns, (entry) => perform(entry, tools), announcer(turns));
const results: Results = {
  date: new Date().toISOString().slice(0, 10),
  processor: processorName(),
  turns,
  ...outcome,
};
mkdirSync(values.out, { recursive: true });
writeFileSync(`${values.out}/bench.json`, `${JSON.stringify(results, undefined, 1)}\n`);
writeFileSync(`${values.out}/bench.md`, `${report(results)}\n`);
writeFileSync(`${values.out}/bench.svg`, chart(results));
console.log(`\n${report(results)}\n\n${values.out}/bench.json, bench.md, bench.svg`);
if (values.publish) publish(results);

/** Those that are named, or all usual ones. */
function named<T extends { readonly name: string; readonly usual: boolean }>(
  what: string,
  all: readonly T[],
  list: string | undefined,
): readonly T[] {
  if (list === undefined) return all.filter(({ usual }) => usual);
  const names = list.split(',');
  const known = [...new Set(all.map(({ name }) => name))];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`no ${what} is called ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return all.filter(({ name }) => names.includes(name));
}

function entriesOn(threads: number): readonly CaseEntry[] {
  const takes = (one: Case, { ours }: Contender): boolean =>
    threads === 1 || (one.twoThreads && (ours || values.contenders !== undefined));
  return chosenCases.flatMap((one) =>
    chosenContenders.flatMap((contender) => (takes(one, contender) ? [{ one, threads, contender }] : [])),
  );
}
