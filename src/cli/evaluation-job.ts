/** An evaluation that can be left and taken up again: its pictures are drawn batch by batch into a record on disk. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { InputError } from '../tensor/errors.ts';
import { shapeText, type Tensor } from '../tensor/tensor.ts';
import { createClassifier, type Classifier } from '../evaluation/classifier.ts';
import { drawPictures, look, type Drawing } from '../evaluation/drawing.ts';
import {
  emptyRecord,
  firstDifference,
  joinRecords,
  readRecord,
  writeRecord,
  type EvaluationRecord,
  type Settings,
} from '../evaluation/record.ts';
import { checkWritable, writeWhole } from '../formats/node-files.ts';
import { readTensors } from '../formats/safetensors.ts';
import { flagOf } from '../guidance/parameters.ts';
import { parametersOf } from '../guidance/registry/index.ts';
import { createScheduler } from '../schedulers/registry.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { backendOptions, chooseBackend } from './backend.ts';
import { chooseGuidance, guidanceOptions } from './guidance-options.ts';
import { chooseScheduler, loadModel, openSafetensors } from './model.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';
import { shippedClassifier } from './shipped.ts';

/** The options that say what is drawn. */
export const drawingOptions: OptionKinds = {
  model: 'text',
  'weak-model': 'text',
  classifier: 'text',
  count: 'text',
  labels: 'text',
  seed: 'text',
  scheduler: 'text',
  'scheduler-config': 'text',
  steps: 'text',
  eta: 'text',
  ...guidanceOptions,
  ...backendOptions,
};

export interface EvaluationJob {
  readonly drawing: Drawing;
  readonly classifier: Classifier;
  readonly settings: Settings;
}

/** @throws InputError for options that cannot be */
export async function prepareJob(options: ParsedOptions): Promise<EvaluationJob> {
  const { dtype, backend } = chooseBackend(options);
  const { unet, schedulerConfig } = await loadModel(options.required('model'), dtype);
  checkPictures(unet);
  const weakFolder = options.text('weak-model');
  const weak = weakFolder === undefined ? undefined : (await loadModel(weakFolder, dtype)).unet;
  const classifierFile = options.text('classifier') ?? shippedClassifier;
  const classifier = createClassifier(readTensors(await openSafetensors(classifierFile)), classifierFile);
  const config = await chooseScheduler(options.text('scheduler'), options.text('scheduler-config'), schedulerConfig);
  const steps = options.integer('steps', 1) ?? 20;
  const eta = options.number('eta', 0);
  const seed = options.integer('seed', 0) ?? 0;
  const nullLabel = options.integer('null-label', 0);
  const labels = chooseLabels(options.list('labels'), nullLabel, unet);

  const guidance = chooseGuidance(options, unet, weak !== undefined);
  refuseListedScales(options);
  const guidanceSettings = Object.keys(guidanceOptions)
    .filter((name) => options.has(name))
    .map((name) => [name, options.text(name)!]);
  return {
    drawing: {
      unet,
      backend,
      seed,
      labels,
      guidance,
      scheduler: createScheduler(config, steps, eta === undefined ? {} : { eta }),
      ...(weak && { weak }),
      ...(nullLabel !== undefined && { nullLabel }),
    },
    classifier,
    settings: {
      count: options.integer('count', 1, 1_000_000) ?? 2080,
      seed,
      labels,
      steps,
      ...(eta !== undefined && { eta }),
      scheduler: JSON.stringify(
        Object.fromEntries(Object.entries(config).filter(([key]) => key === '_class_name' || !key.startsWith('_'))),
      ),
      guidance: 'none',
      ...Object.fromEntries(guidanceSettings),
      dtype,
      ...(backend.name === 'simd-fma' && { kernels: backend.name }),
      model: fingerprint(unet.weights),
      ...(weak && { 'weak-model': fingerprint(weak.weights) }),
      classifier: fingerprint(classifier.weights),
    },
  };
}

/** Fails now, rather than after the first pictures have been drawn. */
function checkPictures({ config: { inChannels, sampleSize } }: UNet): void {
  const drawn = [inChannels, ...(sampleSize ?? [])];
  if (shapeText(drawn) !== '[1, 32, 32]') {
    throw new InputError(
      `the model draws pictures of shape ${shapeText(drawn)}, but the classifier of letters reads [1, 32, 32]`,
    );
  }
}

/** A scale for each sample is for the few of `pag sample`. */
function refuseListedScales(options: ParsedOptions): void {
  for (const parameter of parametersOf(options.text('guidance') ?? 'none')) {
    const flag = flagOf(parameter.name);
    const text = options.text(flag.slice(2));
    if (parameter.kind === 'scale' && text?.includes(','))
      throw new InputError(`${flag} is "${text}"; an evaluation takes one for all pictures`);
  }
}

/**
 * What is already on disk; an empty record when there is nothing. Throws an InputError when it was drawn with other
 * settings.
 */
export async function openRecord(path: string, settings: Settings): Promise<EvaluationRecord> {
  checkWritable(path);
  if (!existsSync(path)) return emptyRecord(settings);
  const record = readRecord(await openSafetensors(path));
  const difference = firstDifference(settings, record.settings);
  if (difference !== undefined) {
    throw new InputError(
      `${path} holds an evaluation with other settings (${difference} is ${JSON.stringify(record.settings[difference]) ?? 'not set'}); give another --out, or remove it`,
    );
  }
  return record;
}

export interface Advance {
  /** The numbers of the pictures that are wanted. */
  readonly wanted: readonly number[];
  readonly batch: number;
  /** Asked before every batch. */
  goOn(): boolean;
  /** After every step of a batch: how many of the wanted pictures are done, as a fraction of steps. */
  onStep?(done: number): void;
}

/**
 * Draws what is wanted and not yet there; after every batch the record on disk is whole. Lets the process breathe
 * between two steps, so that Ctrl-C is heard.
 */
export async function advance(
  job: EvaluationJob,
  path: string,
  record: EvaluationRecord,
  { wanted, batch, goOn, onStep }: Advance,
): Promise<EvaluationRecord> {
  const present = new Set(record.numbers);
  const missing = wanted.filter((number) => !present.has(number));
  let current = record;
  for (let start = 0; start < missing.length && goOn(); start += batch) {
    const numbers = missing.slice(start, start + batch);
    const done = wanted.length - missing.length + start;
    const pictures = await drawBatch(job.drawing, numbers, (share) => onStep?.(done + share * numbers.length));
    const seen = look(job.classifier, job.drawing.backend, pictures);
    current = joinRecords([current, { settings: job.settings, numbers, ...seen }]);
    writeWhole(path, writeRecord(current));
  }
  return current;
}

async function drawBatch(
  drawing: Drawing,
  numbers: readonly number[],
  onStep: (share: number) => void,
): Promise<Tensor> {
  const steps = drawPictures(drawing, numbers);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    onStep((value.index + 1) / value.count);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Class labels between commas, `0-25` for a range; the label that means "no class" where none are given. */
function chooseLabels(
  listed: readonly string[] | undefined,
  nullLabel: number | undefined,
  unet: UNet,
): readonly number[] {
  const kind = unet.config.classEmbedding;
  if (kind === 'none') {
    if (listed || nullLabel !== undefined)
      throw new InputError('the model is not class-conditional; leave out --labels and --null-label');
    return [];
  }
  if (kind === 'identity')
    throw new InputError(
      'the model takes class embeddings, not labels (class_embed_type "identity"); it cannot be evaluated',
    );
  if (!listed && nullLabel === undefined)
    throw new InputError(
      'the model is class-conditional; give --labels, as 0-25, or --null-label to draw without a class',
    );
  const labels = listed?.flatMap(labelRange) ?? [nullLabel!];
  const most = kind === 'lookup' ? unet.config.numClassEmbeds! - 1 : Infinity;
  const wrong = [...labels, nullLabel ?? 0].find((label) => label > most);
  if (wrong !== undefined)
    throw new InputError(`class label ${wrong} is outside the model's table: whole numbers from 0 to ${most}`);
  return labels;
}

function labelRange(text: string): readonly number[] {
  const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!(from <= to))
    throw new InputError(`--labels has "${text}"; expected whole numbers or ranges as 0-25, between commas`);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** The same for the same weights, whatever file they come from. */
export function fingerprint(weights: ReadonlyMap<string, Tensor>): string {
  const hash = createHash('sha256');
  for (const name of [...weights.keys()].sort()) {
    const { shape, data } = weights.get(name)!;
    hash.update(`${name} ${shape.join(' ')}\n`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex').slice(0, 16);
}
