/**
 * A pass of a folder's UNet by our kernels and by PyTorch's eager mode, on the same numbers and threads, each in a
 * process of its own, taking turns; Node 24 and Python are those of scripts/bench.
 *
 *     npx tsx scripts/real-sizes/compare.ts DIR [--height 64] [--width 64] [--threads 1] [--turns 3] [--passes 2]
 *         [--node PATH] [--python PATH]
 *
 * A row for each: the median of the passes after the first one, in seconds of processor time (of several threads on the
 * wall), and beside PyTorch's; the first pass; the largest resident set; and how far the prediction is from PyTorch's,
 * relative, root mean square.
 */
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { announcer } from '../bench/announce.ts';
import { readFloats, relativeError } from '../bench/float-files.ts';
import type { Time } from '../bench/processes/task.ts';
import { lastLineOf } from '../bench/perform.ts';
import { countOf } from '../bench/options.ts';
import { processorName } from '../bench/processor.ts';
import { ratioOf, turnsText, type Measurement } from '../bench/results.ts';
import { installTools } from '../bench/setup.ts';
import { takeTurns, type Entry, type Performance } from '../bench/turns.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    height: { type: 'string' },
    width: { type: 'string' },
    threads: { type: 'string', default: '1' },
    turns: { type: 'string', default: '3' },
    passes: { type: 'string', default: '2' },
    node: { type: 'string' },
    python: { type: 'string' },
  },
});
const [given] = positionals;
if (given === undefined) throw new Error('give the folder of a model, as scripts/real-sizes/make.ts makes it');
const [folder, title] = [resolve(given), basename(given)];
const { height, width } = values;
const [threads, turns] = [countOf('threads', values.threads), countOf('turns', values.turns)];
const passes = countOf('passes', values.passes, 2);
const tools = installTools(values);

/** What both scripts print. */
interface Printed {
  readonly kernels: string;
  readonly largestResidentGB: number;
  /** Seconds. */
  readonly passes: readonly Time[];
}

const ours = (...flags: string[]): readonly string[] => [
  ...[tools.node, '--import', 'tsx', 'scripts/real-sizes/measure.ts', ...flags],
];
const commands: Readonly<Record<string, readonly string[]>> = {
  PyTorch: [tools.python, 'scripts/real-sizes/torch_pass.py'],
  simd: ours(),
  'simd fast': ours('--order', 'fast'),
  'simd-wide': ours('--wide'),
  'simd-wide fast': ours('--wide', '--order', 'fast'),
};
const one = { name: title, title, batch: 1 };
const entries = Object.keys(commands).map(
  (name): Entry => ({ one, threads, contender: { name, ours: name !== 'PyTorch' } }),
);
const outFile = (name: string): string => join(tmpdir(), `pag-real-sizes-${process.pid}-${name.replace(' ', '-')}.f32`);

async function perform({ contender: { name } }: Entry): Promise<Performance> {
  const [command = '', ...args] = commands[name] ?? [];
  const size = [
    ...(height === undefined ? [] : ['--height', height]),
    ...(width === undefined ? [] : ['--width', width]),
  ];
  const more = [folder, '--threads', values.threads, '--passes', String(passes), '--out', outFile(name), ...size];
  const { kernels, largestResidentGB, passes: printed } = (await lastLineOf(command, [...args, ...more])) as Printed;
  const times = printed.map(({ wall, processor }) => ({ wall: 1000 * wall, processor: 1000 * processor }));
  const [first = { wall: NaN, processor: NaN }] = times;
  const version = kernels;
  return { version, first, passes: times.slice(1), megabytes: 1000 * largestResidentGB, error: differenceOf(name) };
}

/** How far a prediction is from PyTorch's, which had its turn before. */
function differenceOf(name: string): number {
  return relativeError(readFloats(outFile(name)), readFloats(outFile('PyTorch')));
}

function rowOf(one: Measurement, torch: Measurement | undefined): string {
  const clock = threads === 1 ? 'processor' : 'wall';
  const [median = '', low = '', high = ''] = [one[clock].median, one[clock].low, one[clock].high].map(seconds);
  const ratio = torch ? ratioOf(one, torch, clock).toFixed(2) : '–';
  const gigabytes = (one.megabytes / 1000).toFixed(2);
  const cells = [one.contender, `${median} (${low}–${high})`, ratio, seconds(one.first.median), gigabytes];
  return `| ${[...cells, one.error.toExponential(1)].join(' | ')} |`;
}

function seconds(milliseconds: number): string {
  return String(Number((milliseconds / 1000).toPrecision(3)));
}

const { measurements, missing } = await takeTurns(entries, turns, perform, announcer(turns));
const torch = measurements.find(({ contender }) => contender === 'PyTorch');
console.log(`\n${title}, ${processorName()}, ${threads} thread${threads === 1 ? '' : 's'}, ${turnsText(turns)}`);
for (const version of new Set(measurements.map((one) => one.version))) console.log(`- ${version}`);
for (const { contender, why } of missing) console.log(`- ${contender} is left out: ${why}`);
console.log('\n| | a pass, s | × PyTorch | the first, s | largest resident set, GB | difference |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const one of measurements) console.log(rowOf(one, torch));
