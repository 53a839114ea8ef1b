/**
 * Draws the pictures of all points, batch by batch, the most important first. Stops whenever asked to and goes on from
 * there:
 *
 *     npx tsx scripts/evaluation/sweep.ts [--for SECONDS] [--folder out/evaluation] [--shard I/N] [--only PATTERN]
 *         [--kernels simd-wide]
 *
 * The records (what the classifier saw in every picture) go to the folder; report.ts makes tables and charts of them.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readShard } from '../../src/cli/evaluate.ts';
import { advance, drawingOptions, openRecord, prepareJob } from '../../src/cli/evaluation-job.ts';
import { openSafetensors } from '../../src/cli/model.ts';
import { readOptions } from '../../src/cli/options.ts';
import { readRecord, shardNumbers } from '../../src/evaluation/record.ts';
import { allOptions, points, recordName, type Point } from './points.ts';

const batch = 4;

/** First a glance at everything, then the important in full, then the rest. */
const stages: readonly (readonly [Point['class'], number])[] = [
  [1, 104],
  [2, 104],
  [1, 260],
  [3, 104],
  [2, 260],
  [1, 2080],
  [2, 2080],
  [3, 2080],
];

const options = readOptions(process.argv.slice(2), {
  for: 'text',
  folder: 'text',
  shard: 'text',
  only: 'text',
  kernels: 'text',
});
const folder = options.text('folder') ?? 'out/evaluation';
const [shard, shards] = readShard(options.text('shard'));
const kernels = options.text('kernels');
const only = new RegExp(options.text('only') ?? '');
const end = performance.now() + 1000 * (options.number('for', 0) ?? Infinity);
const goOn = (): boolean => performance.now() < end;

mkdirSync(folder, { recursive: true });
for (const [rank, until] of stages) {
  for (const point of points.filter((each) => each.class === rank && only.test(each.name))) {
    if (!goOn()) process.exit(0);
    await draw(point, until);
  }
}

async function draw(point: Point, until: number): Promise<void> {
  const path = join(folder, `${recordName(point)}${shards > 1 ? `.${shard}-of-${shards}` : ''}.safetensors`);
  const wanted = shardNumbers(until, shard, shards);
  if (existsSync(path) && readRecord(await openSafetensors(path)).numbers.length >= wanted.length) return;
  const job = await prepareJob(
    readOptions([...allOptions(point), ...(kernels === undefined ? [] : ['--kernels', kernels])], drawingOptions),
  );
  const { numbers } = await advance(job, path, await openRecord(path, job.settings), { wanted, batch, goOn });
  job.drawing.backend.dispose();
  console.log(`${new Date().toISOString().slice(11, 19)}  ${point.name}: ${numbers.length} pictures`);
}
