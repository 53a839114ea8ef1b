/** What a picture carries of the run that drew it: enough to draw it again, and nothing of whose machine it was. */
import { createHash } from 'node:crypto';
import { jsonText, parseJson } from '../formats/json.ts';
import { readBytes } from '../formats/node-files.ts';
import { readPngTexts } from '../formats/png-reader.ts';
import type { PngTexts } from '../formats/png.ts';
import { lengthOf, numbersOf } from '../tensor/deferred.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { commonOptions, type ParsedOptions } from './options.ts';
import { version } from './version.ts';

/**
 * Options that change no number of a picture, have nothing to do with one that is drawn from noise, or are in what is
 * recorded already: LoRAs in the weights that they are merged into.
 */
const idle = ['out', 'latents', 'animation', 'preview', 'threads', 'invert', 'out-noise', 'lora'];

/** Options that name files: of them a picture carries the SHA-256, and not the name. */
export const fileOptions = ['init', 'inpaint', 'noise', 'scheduler-config'] as const;
/** Options that name folders of models; of them it carries the SHA-256 of the weights. */
export const modelOptions = ['model', 'weak-model', 'noise-classifier', 'clean-classifier'] as const;

/** Whether a picture carries an option of a run: one that changes numbers, and names nothing on a disk. */
export function isRecorded(name: string): boolean {
  const others: readonly string[] = [...idle, ...fileOptions, ...modelOptions, ...Object.keys(commonOptions)];
  return !others.includes(name);
}

/** A run, as a picture carries it. */
export interface RunRecord {
  /** Of this package. */
  readonly version: string;
  /** What was asked for, by option, but for what is idle and what names files. */
  readonly options: Readonly<Record<string, readonly string[]>>;
  /** SHA-256 of the files and of the models' weights, by option. */
  readonly files: Readonly<Record<string, string>>;
  /** Which picture of the run this one is, from 0, where it is not all of them side by side. */
  readonly picture?: number;
}

type Weights = ReadonlyMap<string, Tensor>;

/**
 * The record of a run.
 * @param models the weights that it computes with, by the option that names them
 */
export async function recordOf(
  options: ParsedOptions,
  models: Readonly<Record<string, readonly Weights[]>>,
): Promise<RunRecord> {
  const own = Object.entries(options.given()).filter(([name]) => isRecorded(name));
  const files: Record<string, string> = {};
  for (const [name, weights] of Object.entries(models)) files[name] = weightsSha256(weights);
  for (const name of fileOptions) {
    const file = options.text(name);
    if (file !== undefined)
      files[name] = createHash('sha256')
        .update(await readBytes(file))
        .digest('hex');
  }
  return { version: version(), options: Object.fromEntries(own), files };
}

/** Numbers that are read at a time, of weights that are still in their file. */
const atOnce = 2 ** 20;

/** The SHA-256 of names, shapes and numbers of weights, the same whatever files they come from. */
export function weightsSha256(models: readonly Weights[]): string {
  const hash = createHash('sha256');
  for (const weights of models) {
    const sorted = [...weights].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [name, weight] of sorted) {
      hash.update(`${name} ${weight.shape.join(' ')}\n`);
      const length = lengthOf(weight);
      for (let start = 0; start < length; start += atOnce) {
        const part = numbersOf(weight, start, Math.min(length, start + atOnce));
        hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
      }
    }
  }
  return hash.digest('hex');
}

/** The texts of a picture: the record, and what people want to read of it. */
export function textsOf(record: RunRecord, title: string): PngTexts {
  const [seed] = record.options['seeds'] ?? record.options['seed'] ?? ['0'];
  return {
    Software: `pag-reference ${record.version}`,
    Title: title,
    Seed: String(seed),
    ...(record.files['model'] !== undefined && { 'Model SHA-256': record.files['model'] }),
    pag: jsonText({ schema: 1, ...record }),
  };
}

/**
 * The record that a picture carries.
 * @param source the file's name, for messages
 * @throws InputError when it is no PNG, or carries none that is sound
 */
export function readRecordOf(bytes: Uint8Array, source: string): RunRecord {
  const text = readPngTexts(bytes, source).get('pag');
  if (text === undefined)
    throw new InputError(`${source} does not say how it was drawn; pictures of pag sample --out do`);
  const found = parseJson(new TextEncoder().encode(text), `what ${source} says of its run`) as Partial<
    Record<string, unknown>
  > | null;
  const { schema, version: drawnBy, options, files, picture } = found ?? {};
  const isList = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string');
  const isSound =
    schema === 1 &&
    typeof drawnBy === 'string' &&
    isRecordOf(options, isList) &&
    isRecordOf(files, (value) => typeof value === 'string') &&
    (picture === undefined || Number.isSafeInteger(picture));
  if (!isSound) throw new InputError(`what ${source} says of its run is not what pag sample writes`);
  return found as unknown as RunRecord;
}

function isRecordOf(value: unknown, holds: (entry: unknown) => boolean): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(holds);
}
