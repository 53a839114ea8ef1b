/**
 * A training step of the letters UNet, 16 letters, by our kernels and by PyTorch's eager mode on the CPU: the loss and
 * all gradients, without the optimiser. Each is a process of its own, and they take turns; told are medians over the
 * turns of processor time (the clock on the wall means little on a busy machine) and the largest resident set; then two
 * threads beside one, by the clock; and at last what training-convolution.ts tells.
 *
 * Run: npx tsx training.ts [--threads 1,2] [--rounds 5] [--python python]; in Node 24 with simd-wide, too.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from '../../src/cli/bench/times.ts';
import { orders } from '../../src/index.ts';
import { countOf } from './options.ts';

/** What a process tells of its steps. */
interface Measured {
  /** Milliseconds, medians over the steps of a process. */
  readonly processor: number;
  readonly wall: number;
  /** The largest resident set, in MB. */
  readonly memory: number;
}

const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '5' },
    python: { type: 'string', default: 'python' },
  },
});
const rounds = countOf('rounds', values.rounds);
const counts = values.threads.split(',').map((text) => countOf('threads', text));
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const joins = Number(process.versions.node.split('.')[0]) >= 24;

/** The commands of all who are measured, on so many threads: ours in both orders of the way there. */
function contenders(threads: number): Readonly<Record<string, readonly string[]>> {
  const ours = (joins ? ['simd', 'simd-wide'] : ['simd']).flatMap((kernels) => {
    const switches = kernels === 'simd-wide' ? ['--experimental-wasm-revectorize'] : [];
    const step = [here('training-step.ts'), kernels, String(threads)];
    const command = [process.execPath, ...switches, '--import', 'tsx', ...step];
    return orders.map((order) => [order === 'direct' ? kernels : `${kernels} ${order}`, [...command, order]] as const);
  });
  return { PyTorch: [values.python, here('training_step.py'), String(threads)], ...Object.fromEntries(ours) };
}

function measure([command = '', ...args]: readonly string[]): Measured {
  return JSON.parse(execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as Measured;
}

/** Of each contender the medians over all turns, and how much processor time it takes beside PyTorch. */
function compared(threads: number): Readonly<Record<string, Measured & { readonly share: number }>> {
  const turns = Array.from({ length: rounds }, () =>
    Object.fromEntries(Object.entries(contenders(threads)).map(([name, command]) => [name, measure(command)])),
  );
  return Object.fromEntries(
    Object.keys(contenders(threads)).map((name) => {
      const of = (key: keyof Measured): number => median(turns.map((turn) => turn[name]?.[key] ?? NaN));
      const shares = turns.map((turn) => (turn[name]?.processor ?? NaN) / (turn['PyTorch']?.processor ?? NaN));
      return [name, { processor: of('processor'), wall: of('wall'), memory: of('memory'), share: median(shares) }];
    }),
  );
}

const results = counts.map((threads) => {
  const all = compared(threads);
  for (const [name, { processor, wall, memory, share }] of Object.entries(all)) {
    const ofMemory = memory / (all['PyTorch']?.memory ?? NaN);
    console.log(
      `${name}, ${threads} threads: ${processor.toFixed(0)} ms of processor time a step ` +
        `(${share.toFixed(2)} × PyTorch), ${wall.toFixed(0)} ms on the wall, ` +
        `${memory.toFixed(0)} MB (${ofMemory.toFixed(2)} × PyTorch)`,
    );
  }
  return all;
});
const [one, two] = results;
for (const [name, { wall }] of Object.entries(one && two ? one : {})) {
  const ratio = wall / (two?.[name]?.wall ?? NaN);
  console.log(`${name}: ${counts[1]} threads are ${ratio.toFixed(2)} times as fast as ${counts[0]}`);
}
execFileSync(process.execPath, ['--import', 'tsx', here('training-convolution.ts')], { stdio: 'inherit' });
