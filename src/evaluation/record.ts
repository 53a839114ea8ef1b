/**
 * The record of an evaluation: what the classifier saw in the pictures that have been drawn so far, and how they were
 * drawn. Records of the same settings can be joined, whoever drew which pictures; metrics are computed from a record
 * alone.
 */
import { InputError } from '../tensor/errors.ts';
import { shapeText, tensor, type Tensor } from '../tensor/tensor.ts';
import { parseJson } from '../formats/json.ts';
import { readNumbers, readTensor, writeSafetensors, type SafetensorsFile } from '../formats/safetensors.ts';
import { featureCount, letterCount } from './classifier.ts';
import { appendRows, chooseRows } from './rows.ts';

/** How the pictures were drawn, as flat JSON: everything that the numbers depend on. */
export interface Settings {
  /** How many pictures make the evaluation complete. */
  readonly count: number;
  readonly seed: number;
  /** Picture i was asked to be of class labels[i mod their number]; empty where nothing was asked for. */
  readonly labels: readonly number[];
  readonly [name: string]: string | number | boolean | readonly number[];
}

/** What the classifier sees in pictures. */
export interface Seen {
  /** [n, 64], a row for each picture. */
  readonly features: Tensor;
  /** How probable each letter is, [n, 26]. */
  readonly probabilities: Tensor;
}

/** What has been drawn so far, and how. */
export interface EvaluationRecord extends Seen {
  readonly settings: Settings;
  /** The numbers of the pictures, ascending. */
  readonly numbers: readonly number[];
}

/** The record of an evaluation that has not drawn anything yet. */
export function emptyRecord(settings: Settings): EvaluationRecord {
  return {
    settings,
    numbers: [],
    features: tensor('f32', [0, featureCount], new Float32Array(0)),
    probabilities: tensor('f32', [0, letterCount], new Float32Array(0)),
  };
}

/**
 * One record of all pictures.
 * @param names of the records, for messages
 * @throws InputError when the settings differ, or a picture is in two of them
 * @throws InputError when there is no record
 */
export function joinRecords(records: readonly EvaluationRecord[], names: readonly string[] = []): EvaluationRecord {
  const parts = records.map((record, i) => ({ record, name: names[i] ?? `record ${i + 1}` }));
  const [first, ...others] = parts;
  if (!first) throw new InputError('there is no record to join');
  const { settings } = first.record;
  for (const { record, name } of others) checkSettings(record.settings, name, settings, first.name);

  const rows = parts
    .flatMap(({ record, name }) => record.numbers.map((number) => ({ number, name })))
    .map((row, place) => ({ ...row, place }))
    .sort((a, b) => a.number - b.number);
  for (const [i, { number, name }] of rows.entries()) {
    const before = rows[i - 1];
    if (before?.number === number) throw new InputError(`picture ${number} is both in ${before.name} and in ${name}`);
  }
  const order = rows.map(({ place }) => place);
  return {
    settings,
    numbers: rows.map(({ number }) => number),
    features: chooseRows(appendRows(records.map(({ features }) => features)), order),
    probabilities: chooseRows(appendRows(records.map(({ probabilities }) => probabilities)), order),
  };
}

function checkSettings(settings: Settings, name: string, wanted: Settings, nameOfWanted: string): void {
  const difference = firstDifference(wanted, settings);
  if (difference === undefined) return;
  const [ours, theirs] = [wanted, settings].map((of) => JSON.stringify(of[difference]) ?? 'not set');
  throw new InputError(
    `${name} was drawn with other settings than ${nameOfWanted}: ${difference} is ${theirs} instead of ${ours}`,
  );
}

/**
 * The numbers of the pictures that shard `shard` of `shards` draws: all shards together draw each picture once. They
 * take turns, so that a shard keeps what it has when the count grows.
 * @param shard from 1
 */
export function shardNumbers(count: number, shard: number, shards: number): readonly number[] {
  return Array.from({ length: Math.max(0, Math.ceil((count - shard + 1) / shards)) }, (_, i) => shard - 1 + i * shards);
}

/** The name of the first setting that differs; undefined when all are the same. */
export function firstDifference(a: Settings, b: Settings): string | undefined {
  return [...Object.keys(a), ...Object.keys(b)].find((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]));
}

/** Of a record the pictures of some numbers alone. */
export function keepNumbers(record: EvaluationRecord, kept: readonly number[]): EvaluationRecord {
  const wanted = new Set(kept);
  const rows = record.numbers.flatMap((number, row) => (wanted.has(number) ? [row] : []));
  return {
    settings: record.settings,
    numbers: record.numbers.filter((number) => wanted.has(number)),
    features: chooseRows(record.features, rows),
    probabilities: chooseRows(record.probabilities, rows),
  };
}

/** The label that each picture was asked to be of; empty where nothing was asked for. */
export function askedLabels({ settings: { labels }, numbers }: EvaluationRecord): readonly number[] {
  return labelsOf(numbers, labels);
}

/** The labels of pictures by their numbers: `labels`, repeated as often as needed. Empty where there are none. */
export function labelsOf(numbers: readonly number[], labels: readonly number[]): readonly number[] {
  return numbers.flatMap((number) => labels.at(number % labels.length) ?? []);
}

/** The bytes of a record's file: a safetensors file whose metadata holds the settings as JSON. */
export function writeRecord({ settings, numbers, features, probabilities }: EvaluationRecord): Uint8Array {
  return writeSafetensors(
    { numbers: { shape: [numbers.length], integers: numbers }, features, probabilities },
    { settings: JSON.stringify(settings) },
  );
}

/**
 * The record that `writeRecord` has written.
 * @throws InputError when the file is no record
 */
export function readRecord(file: SafetensorsFile): EvaluationRecord {
  const fail = (message: string): never => {
    throw new InputError(`${file.source} is no record of an evaluation: ${message}`);
  };
  const text = file.metadata['settings'] ?? fail('it has no settings');
  const settings = parseJson(new TextEncoder().encode(text), `${file.source}, settings`) as Settings;
  if (!Number.isSafeInteger(settings?.count) || !Number.isSafeInteger(settings.seed) || !Array.isArray(settings.labels))
    fail('its settings lack count, seed or labels');
  const { numbers } = readNumbers(file, 'numbers');
  const [features, probabilities] = [readTensor(file, 'features'), readTensor(file, 'probabilities')];
  for (const [name, { shape }, columns] of [
    ['features', features, featureCount],
    ['probabilities', probabilities, letterCount],
  ] as const) {
    const wanted = shapeText([numbers.length, columns]);
    if (shapeText(shape) !== wanted) fail(`"${name}" has shape ${shapeText(shape)}, expected ${wanted}`);
  }
  const isAscending = numbers.every(
    (number, i) => number >= 0 && number < settings.count && number > (numbers[i - 1] ?? -1),
  );
  if (!isAscending) fail(`"numbers" must ascend within 0 to ${settings.count - 1}`);
  return { settings, numbers, features, probabilities };
}
