/**
 * A training step of the letters UNet, 16 letters, by our kernels and by PyTorch's eager mode on the CPU: the loss and
 * all gradients, without the optimiser. Each is a process of its own, and they take turns; told are medians over the
 * turns of processor time (the clock on the wall means little on a busy machine) and the largest resident set; then two
 * threads beside one, by the clock; and at last what training-convolution.ts tells.
 *
 * Run: npx tsx training.ts [--threads 1,2] [--turns 5] [--python python]; in Node 24 with simd-wide, too.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { orders } from '../../src/index.ts';
import { announcer } from './announce.ts';
import { countOf } from './options.ts';
import { lastLineOf } from './perform.ts';
import type { Told } from './processes/task.ts';
import { ratioOf, type Measurement } from './results.ts';
import { takeTurns, type Entry, type Performance } from './turns.ts';

const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '1,2' },
    turns: { type: 'string', default: '5' },
    python: { type: 'string', default: 'python' },
  },
});
const turns = countOf('turns', values.turns);
const threadCounts = values.threads.split(',').map((text) => countOf('threads', text));
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const joins = Number(process.versions.node.split('.')[0]) >= 24;

/** Steps of a process: those that only warm it up, and those that count. */
const [warm, passes] = [3, 10];
const one = { name: 'training-step', title: 'a training step of 16 letters', batch: 16 };

/** A contender, and how its process is called: its command, without how many threads and steps. */
interface TrainingEntry extends Entry {
  readonly command: readonly string[];
}

const pytorch = { contender: { name: 'PyTorch', ours: false }, command: [values.python, here('training_step.py')] };
const ours = (joins ? ['simd', 'simd-wide'] : ['simd']).flatMap((kernels) => {
  const switches = kernels === 'simd-wide' ? ['--experimental-wasm-revectorize'] : [];
  const command = [process.execPath, ...switches, '--import', 'tsx', here('training-step.ts'), kernels];
  return orders.map((order) => ({
    contender: { name: order === 'direct' ? kernels : `${kernels} ${order}`, ours: true },
    command: [...command, order],
  }));
});

async function perform({ threads, command: [program = '', ...args] }: TrainingEntry): Promise<Performance> {
  const told = await lastLineOf(program, [...args, ...[threads, warm, passes].map(String)]);
  return { ...(told as Told), error: 0 };
}

const entries = threadCounts.flatMap((threads): TrainingEntry[] =>
  [pytorch, ...ours].map((contender) => ({ one, threads, ...contender })),
);
const { measurements } = await takeTurns(entries, turns, perform, announcer(turns));
const found = (contender: string, threads: number): Measurement | undefined =>
  measurements.find((each) => each.contender === contender && each.threads === threads);

for (const each of measurements) {
  const { contender, threads, processor, wall, megabytes } = each;
  const torch = found('PyTorch', threads);
  const [time, memory] = torch ? [ratioOf(each, torch), megabytes / torch.megabytes] : [NaN, NaN];
  console.log(
    `${contender}, ${threads} threads: ${processor.median.toFixed(0)} ms of processor time a step ` +
      `(${time.toFixed(2)} × PyTorch), ${wall.median.toFixed(0)} ms on the wall, ` +
      `${megabytes.toFixed(0)} MB (${memory.toFixed(2)} × PyTorch)`,
  );
}
const [few, many] = threadCounts;
for (const { contender, threads, wall } of measurements) {
  if (many === undefined || threads !== few) continue;
  const ratio = wall.median / (found(contender, many)?.wall.median ?? NaN);
  console.log(`${contender}: ${many} threads are ${ratio.toFixed(2)} times as fast as ${few}`);
}
execFileSync(process.execPath, ['--import', 'tsx', here('training-convolution.ts')], { stdio: 'inherit' });
