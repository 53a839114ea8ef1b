/**
 * Does PAG help posterior sampling? Letters of faces that the model has not seen, damaged in seven ways, restored with
 * and without PAG, by DPS in pixels or by PSLD in the latents of the model with words:
 *
 *     npx tsx scripts/evaluation/restoration.ts --model FOLDER [--method psld] [--trial] [--scheduler ddim]
 *         [--steps 20] [--rounds 39] [--scales 0,1] [--shard K/N] [--backwards] [--for SECONDS] [--kernels NAME]
 *         [--out out/restoration.json]
 *
 * It goes in rounds of 26 letters, A to Z, each of another face, and keeps its record after each task; stopped at any
 * moment, it goes on from there. Shards of one table are drawn side by side, each with a record of its own; --backwards
 * begins with the last round. With --trial it draws what the weights are chosen by (shards of which are tasks).
 * restoration-report.ts makes weights and tables of the records.
 */
import { backendOptions, chooseBackend } from '../../src/cli/backend.ts';
import { readShard } from '../../src/cli/evaluate.ts';
import { readOptions } from '../../src/cli/options.ts';
import { methods } from '../../src/cli/restoration-task.ts';
import { wordsModel } from '../../src/cli/shipped.ts';
import { readWeights } from './restoration/choose.ts';
import { drawTrials, drawUnits, type Drawing } from './restoration/draw.ts';
import { order, scaleGroups, tableRounds, tableUnits, type Unit } from './restoration/plan.ts';

const kinds = {
  model: 'text',
  method: 'text',
  trial: 'flag',
  scheduler: 'text',
  steps: 'number',
  rounds: 'number',
  scales: 'text',
  shard: 'text',
  backwards: 'flag',
  for: 'number',
  out: 'text',
  ...backendOptions,
} as const;
const given = process.argv.slice(2);
// Shards share the cores, so each has one, unless it is told otherwise.
const options = readOptions(given.includes('--threads') ? given : [...given, '--threads', '1'], kinds);

const method = options.choice('method', methods) ?? 'dps';
const folder = method === 'psld' ? (options.text('model') ?? wordsModel) : options.required('model');
const end = performance.now() + 1000 * (options.number('for', 0) ?? Infinity);
const { backend } = chooseBackend(options);
const drawing: Drawing = {
  method,
  folder,
  backend,
  stepping: {
    scheduler: options.choice('scheduler', ['ddpm', 'ddim'] as const) ?? 'ddpm',
    steps: options.integer('steps', 1) ?? 20,
  },
  out: options.text('out') ?? 'out/restoration.json',
  goOn: () => performance.now() < end,
};
if (options.has('trial')) await drawTrials(shardOf(order), drawing);
else await drawUnits(shardOf(units()), drawing);
backend.dispose();

function units(): readonly Unit[] {
  const scales = options.list('scales')?.map(Number);
  const rounds = options.integer('rounds', 1, tableRounds) ?? tableRounds;
  const all = tableUnits(readWeights(method), scales ? [scales] : scaleGroups, rounds);
  return options.has('backwards') ? [...all].reverse() : all;
}

/** One of every N, another one each time: no shard has all of PAG, which takes longer. */
function shardOf<T>(all: readonly T[]): readonly T[] {
  const [shard, shards] = readShard(options.text('shard'));
  return all.filter((_, i) => (i + Math.floor(i / shards)) % shards === shard - 1);
}
