/**
 * Our kernels against other libraries, in one process, taking turns. Prints a table of medians and ratios, and writes
 * it as JSON and as a chart.
 *
 *     npx tsx compare.ts [--threads N] [--seconds S] [--clock wall|cpu] [--only TEXT] [--out DIR] [--wide]
 *
 * `--wide` lets V8 join vectors (Node 24), for everybody. `--clock cpu` counts the processor time of this process: for
 * one thread on a machine that has other work too.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { median } from '../../src/cli/bench/times.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { fmaSupported, joinsVectors, peakLoop, simdBackend } from '../../src/kernels/simd/index.ts';
import { cases, operations, type Case } from './cases.ts';
import { chart, type Bar } from './chart.ts';
import type { Contender, Run } from './contender.ts';
import { onnxruntimeNode, onnxruntimeWeb } from './onnxruntime.ts';
import { ours } from './ours.ts';
import { processorTime } from './processor-time.ts';
import { tfjs } from './tfjs.ts';

const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '8' },
    clock: { type: 'string', default: 'wall' },
    only: { type: 'string', default: '' },
    out: { type: 'string', default: 'results' },
    wide: { type: 'boolean', default: false },
  },
});
const threads = Number(values.threads);
/** Milliseconds. */
const now = values.clock === 'cpu' ? processorTime : (): number => performance.now();
/** Before each turn with threads: those of the last one go on looking for work for a while, in everybody's way. */
const REST_MILLISECONDS = 20;
const budget = 1000 * Number(values.seconds);

// Before anything is compiled, and for everybody: V8 joins neighbouring vectors to wider ones wherever it finds them.
if (values.wide) setFlagsFromString('--experimental-wasm-revectorize');
if (values.wide && !joinsVectors()) throw new Error('this engine does not join vectors');

const contenders: readonly Contender[] = [
  ours(simdBackend({ threads })),
  ...(values.wide ? [ours(simdBackend({ threads, wide: true }))] : []),
  ...(fmaSupported() ? [ours(simdBackend({ threads, fma: true }))] : []),
  await onnxruntimeWeb(threads),
  await onnxruntimeNode(threads),
  // What has one thread only is left out of a comparison of more.
  ...(threads === 1 ? [tfjs('wasm'), tfjs('cpu'), ours(referenceBackend())] : []),
];
const peak = peakLoop();
// Compiled late, like all the others.
for (let i = 0; i < 50; i++) peak(20_000);
const bars: Bar[] = [];
for (const one of cases) if (one.name.includes(values.only)) await compare(one);
mkdirSync(values.out, { recursive: true });
const name = `${values.out}/node-${process.versions.node}-threads-${threads}`;
writeFileSync(`${name}.json`, `${JSON.stringify(bars, null, 2)}\n`);
writeFileSync(
  `${name}.svg`,
  chart(`GFLOP/s, Node ${process.versions.node}, ${threads === 1 ? 'one thread' : `${threads} threads`}`, bars),
);
console.log(`\n${name}.svg`);
process.exit(0);

/** Somebody who takes turns with the others. */
interface Runner {
  readonly name: string;
  readonly run: Run;
  /** Milliseconds of each turn that counts. */
  readonly times: number[];
  readonly result: Float32Array;
}

async function compare(one: Case): Promise<void> {
  const runners = await runnersOf(one);
  const peaks: number[] = [];
  // An engine compiles twice, the second time only what has run for a while: the first turns do not count.
  await takeTurns(runners, peaks);
  for (const list of [peaks, ...runners.map(({ times }) => times)]) list.splice(0);
  await takeTurns(runners, peaks);
  // The best: nothing makes a loop faster than it can be.
  report(one, runners, Math.max(...peaks));
}

async function runnersOf(one: Case): Promise<readonly Runner[]> {
  const runners: Runner[] = [];
  for (const contender of contenders) {
    const run = await contender.prepare(one);
    if (run) runners.push({ name: contender.name, run, times: [], result: (await run()).slice() });
  }
  return runners;
}

/** @param peaks get a number for each round */
async function takeTurns(runners: readonly Runner[], peaks: number[]): Promise<void> {
  const end = performance.now() + budget;
  for (let round = 0; round < 3 || performance.now() < end; round++) {
    for (const runner of runners) {
      // Who is a hundred times slower is heard less often.
      const [typical = 0] = runner.times;
      if (round < 3 || typical <= budget / 40) await takeTurn(runner);
    }
    const start = now();
    peaks.push(peak(20_000) / (now() - start) / 1e6);
  }
}

async function takeTurn({ run, times }: Runner): Promise<void> {
  if (threads > 1) {
    await setTimeout(REST_MILLISECONDS);
    for (let i = 0; i < 3; i++) await run();
  }
  for (let i = 0; i < threads; i++) {
    const start = now();
    await run();
    times.push(now() - start);
  }
}

/** @param limit what one thread can do at all, in GFLOP/s */
function report(one: Case, runners: readonly Runner[], limit: number): void {
  console.log(`\n${one.name}, peak ${limit.toFixed(1)} GFLOP/s on one thread`);
  const [first] = runners;
  if (!first) return;
  for (const { name: runner, times, result } of runners) {
    const milliseconds = median(times);
    const gigaflops = operations(one) / milliseconds / 1e6;
    bars.push({ group: one.name, name: runner, milliseconds, gigaflops, peak: limit });
    const difference =
      runner.startsWith('pag') || runner.startsWith('onnx')
        ? `largest difference ${largestDifference(result, first.result).toExponential(1)}`
        : '';
    const time = `${milliseconds.toFixed(3).padStart(10)} ms ${gigaflops.toFixed(1).padStart(7)} GFLOP/s`;
    const ratio = (milliseconds / median(first.times)).toFixed(2).padStart(6);
    console.log(`  ${runner.padEnd(18)} ${time}  ${ratio} × ours  ${difference}`);
  }
}

/** Relative to the largest number. Pictures of tfjs lie otherwise in memory and are not compared. */
function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`results have ${a.length} and ${b.length} numbers`);
  let difference = 0;
  let size = 0;
  for (const [i, value] of b.entries()) {
    difference = Math.max(difference, Math.abs((a[i] ?? NaN) - value));
    size = Math.max(size, Math.abs(value));
  }
  return difference / size;
}
