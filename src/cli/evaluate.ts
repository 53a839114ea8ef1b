/** `pag evaluate`: draws many pictures and says how good they are. */
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Backend } from '../kernels/kernels.ts';
import type { Classifier } from '../evaluation/classifier.ts';
import { look } from '../evaluation/drawing.ts';
import { readLettersSheet } from '../evaluation/letters-sheet.ts';
import { figures, measureRecord, referenceOf, type Figure, type Measurement } from '../evaluation/measure.ts';
import {
  joinRecords,
  readRecord,
  shardNumbers,
  writeRecord,
  type EvaluationRecord,
  type Seen,
} from '../evaluation/record.ts';
import { readBytes } from '../formats/node-files.ts';
import { decodePng } from '../formats/png-reader.ts';
import { backendHelp, fastestHere } from './backend.ts';
import type { Command } from './command.ts';
import {
  advance,
  drawingOptions,
  fingerprint,
  loadLetterClassifier,
  openRecord,
  prepareJob,
} from './evaluation-job.ts';
import { guidanceHelp } from './guidance-options.ts';
import { printResult, warn } from './messages.ts';
import { modelHelp, openSafetensors } from './model.ts';
import { classifierHelp } from './guiding-classifier.ts';
import { readOptions, type OptionKinds, type ParsedOptions } from './options.ts';
import { chooseOutFiles, isStdout, writeOut } from './out-files.ts';
import { createProgress } from './progress.ts';
import { etaHelp, stepsHelp } from './scheduler-options.ts';
import { shippedLetters } from './shipped.ts';

const kinds: OptionKinds = {
  out: 'text',
  batch: 'number',
  shard: 'text',
  for: 'number',
  merge: 'flag',
  real: 'text',
  rounds: 'number',
  ...drawingOptions,
};

const help = (): string => `pag evaluate --out RECORD.safetensors [options]
pag evaluate --merge RECORD.safetensors... [--out JOINED.safetensors]

Draws many letters with a model and measures them against real letters that were held out, with 95 % bootstrap
confidence intervals. What is needed of each picture is kept in the record: stopped at any moment, the same command
goes on from there. Any number of machines may share the work: the figures do not depend on who drew what.

${modelHelp}
${classifierHelp}
  --weak-model DIR                of auto-guidance: a second, worse model of the same shape
  --out RECORD.safetensors        the record: what the classifier sees in each picture
  --count N                       how many pictures (2080)
  --labels 0-25                   class labels or ranges of them, repeated as often as needed
  --seed S                        picture i has the noise of torch.manual_seed(S + i) on a CPU (0)
  --batch B                       pictures that are drawn at a time (26)
  --for SECONDS                   stops after the batch that is being drawn then; the same command goes on
  --shard I/N                     draws only part I of N, measures nothing
  --merge                         joins the records of all shards and measures them
${stepsHelp()}
${etaHelp()}
  --classifier FILE.safetensors   the classifier (the one that ships)
  --real SHEET.png                real letters (the held-out ones that ship)
  --rounds R                      rounds of the bootstrap (200)
${guidanceHelp}
${backendHelp}`;

/** The command `pag evaluate`. */
export const evaluateCommand: Command = { help, options: kinds, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds, args.includes('--merge') ? ['RECORD.safetensors...'] : []);
  return options.has('merge') ? merge(options) : draw(options);
}

async function draw(options: ParsedOptions): Promise<number> {
  const out = options.required('out');
  chooseOutFiles(options, { out: 'safetensors' });
  if (isStdout(out)) throw new InputError('a record is read again to go on from there: --out must be a file');
  const [shard, shards] = readShard(options.text('shard'));
  const batch = options.integer('batch', 1, 10_000) ?? 26;
  roundsOf(options);
  const sheet = await readSheet(sheetFile(options));
  const end = performance.now() + 1000 * (options.number('for', 0) ?? Infinity);
  const job = await prepareJob(options);
  const { count } = job.settings;
  const wanted = shardNumbers(count, shard, shards);
  const before = await openRecord(out, job.settings);
  if (before.numbers.some((number) => number % shards !== shard - 1))
    throw new InputError(`${out} holds pictures that are not of shard ${shard}/${shards}`);

  const progress = createProgress('evaluating');
  const record = await advance(job, out, before, {
    wanted,
    batch,
    goOn: () => performance.now() < end,
    onStep: (done) => progress.update(Math.round(done), wanted.length, 'pictures'),
  });
  progress.end();
  const unfinished =
    record.numbers.length < wanted.length
      ? `; ${wanted.length - record.numbers.length} to go, the same command goes on`
      : '';
  if (shards > 1) {
    job.drawing.backend.dispose();
    const done = { pictures: record.numbers.length, of: wanted.length };
    const text = `shard ${shard}/${shards}: ${done.pictures} of ${done.of} pictures in ${out}`;
    printResult(options, {
      text: text + (unfinished || '; join all shards with --merge'),
      json: { schema: 1, shard, shards, ...done, record: out },
    });
    return 0;
  }
  if (unfinished) warn([`${record.numbers.length} of ${count} pictures${unfinished}`]);
  report(options, record, look(job.classifier, job.drawing.backend, sheet));
  job.drawing.backend.dispose();
  return 0;
}

/** @returns 1 when pictures are missing */
async function merge(options: ParsedOptions): Promise<number> {
  const only = ['merge', 'out', 'real', 'classifier', 'rounds'];
  const other = Object.keys(kinds).find((name) => options.has(name) && !only.includes(name));
  if (other !== undefined)
    throw new InputError(`--${other} has no effect with --merge; the records say how they were drawn`);
  const { out } = chooseOutFiles(options, { out: 'safetensors' });
  roundsOf(options);
  const parts = await Promise.all(options.positionals.map(async (path) => readRecord(await openSafetensors(path))));
  const record = joinRecords(parts, options.positionals);
  const classifier = await loadLetterClassifier(options.text('classifier'));
  if (fingerprint(classifier.weights) !== record.settings['classifier'])
    throw new InputError('the records were made with another classifier; name it with --classifier');

  const sheet = await readSheet(sheetFile(options));
  if (out !== undefined) writeOut(out, writeRecord(record));
  const backend = fastestHere({ threads: 1 });
  report(options, record, look(classifier, backend, sheet));
  backend.dispose();
  const missing = record.settings.count - record.numbers.length;
  if (missing > 0) warn([`${missing} of ${record.settings.count} pictures are missing`]);
  return missing > 0 ? 1 : 0;
}

/** @param real what the classifier sees in real letters */
function report(options: ParsedOptions, { settings, ...seen }: EvaluationRecord, real: Seen): void {
  const pictures = seen.numbers.length;
  const rounds = roundsOf(options);
  const measurement = pictures === 0 ? {} : measureRecord({ settings, ...seen }, referenceOf(real), { rounds });
  printResult(options, {
    text: figuresText(measurement, pictures, settings.count),
    json: { settings, pictures, complete: pictures === settings.count, figures: measurement },
    aside: options.text('out') === '-',
  });
}

/** Asked before the first picture is drawn, too, so that a wrong number does not wait for the last. */
function roundsOf(options: ParsedOptions): number {
  return options.integer('rounds', 1, 100_000) ?? 200;
}

function sheetFile(options: ParsedOptions): string {
  return options.text('real') ?? shippedLetters;
}

async function readSheet(path: string): Promise<Tensor> {
  return readLettersSheet(decodePng(await readBytes(path), path), path);
}

/**
 * What the classifier sees in a sheet of real letters.
 * @param path of a PNG as `readLettersSheet` reads it
 * @throws InputError when it cannot be read, or is no such sheet
 */
export async function realLetters(path: string, classifier: Classifier, backend: Backend): Promise<Seen> {
  return look(classifier, backend, await readSheet(path));
}

/** A line for each figure: its value, its interval, and what it means. */
export function figuresText(measurement: Measurement, pictures: number, count: number): string {
  const lines = (Object.keys(figures) as Figure[]).flatMap((name) => {
    const estimate = measurement[name];
    if (!estimate) return [];
    const { title, means } = figures[name];
    const digits = name === 'frechetDistance' || name === 'inceptionScore' || name === 'letters' ? 2 : 4;
    const interval = `${estimate.low.toFixed(digits)} to ${estimate.high.toFixed(digits)}`;
    return [`${title.padEnd(18)}${estimate.value.toFixed(digits).padStart(9)}  ${interval.padEnd(20)}  ${means}`];
  });
  return [`${pictures} of ${count} pictures, with 95 % confidence intervals`, ...lines].join('\n');
}

/** What `--shard` says, `I/N`. @throws InputError when it is no part of a whole */
export function readShard(text = '1/1'): readonly [shard: number, shards: number] {
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  const [shard, shards] = [Number(match?.[1]), Number(match?.[2])];
  if (!(shard >= 1 && shard <= shards))
    throw new InputError(`--shard is "${text}"; expected a part of a whole, as 2/8`);
  return [shard, shards];
}
