/**
 * A training step of the letters UNet, 16 letters, by our kernels and by PyTorch's eager mode on the CPU: the loss and
 * all gradients, without the optimiser. Each is a process of its own, and they take turns; told are medians over the
 * turns of processor time (the clock on the wall means little on a busy machine) and the largest resident set.
 *
 * Run: npx tsx training.ts [--threads 1] [--rounds 3] [--python python]; in Node 24 with simd-wide, too.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

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
    threads: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    python: { type: 'string', default: 'python' },
  },
});
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const joins = Number(process.versions.node.split('.')[0]) >= 24;

const contenders: Readonly<Record<string, readonly string[]>> = {
  PyTorch: [values.python, here('training_step.py'), values.threads],
  simd: [process.execPath, '--import', 'tsx', here('training-step.ts'), 'simd', values.threads],
  ...(joins && {
    'simd-wide': [
      ...[process.execPath, '--experimental-wasm-revectorize', '--import', 'tsx', here('training-step.ts')],
      ...['simd-wide', values.threads],
    ],
  }),
};

function measure([command = '', ...args]: readonly string[]): Measured {
  return JSON.parse(execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) as Measured;
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

const turns = Array.from({ length: Number(values.rounds) }, () =>
  Object.fromEntries(Object.entries(contenders).map(([name, command]) => [name, measure(command)])),
);
for (const name of Object.keys(contenders)) {
  const of = (key: keyof Measured, who = name): number => median(turns.map((turn) => turn[who]?.[key] ?? NaN));
  const share = median(turns.map((turn) => (turn[name]?.processor ?? NaN) / (turn['PyTorch']?.processor ?? NaN)));
  console.log(
    `${name}, ${values.threads} threads: ${of('processor').toFixed(0)} ms of processor time a step ` +
      `(${share.toFixed(2)} × PyTorch), ${of('wall').toFixed(0)} ms on the wall, ${of('memory').toFixed(0)} MB`,
  );
}
