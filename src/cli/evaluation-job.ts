/** An evaluation that can be left and taken up again: its pictures are drawn batch by batch into a record on disk. */
import { existsSync } from 'node:fs';
import { InputError } from '../tensor/errors.ts';
import { shapeText, type Tensor } from '../tensor/tensor.ts';
import { createClassifier, type Classifier } from '../evaluation/classifier.ts';
import { drawPictures, look, type Drawing } from '../evaluation/drawing.ts';
import {
  emptyRecord,
  firstDifference,
  joinRecords,
  labelsOf,
  readRecord,
  writeRecord,
  type EvaluationRecord,
  type Settings,
} from '../evaluation/record.ts';
import { checkWritable, writeWhole } from '../formats/node-files.ts';
import { readTensors } from '../formats/safetensors.ts';
import { parametersOf } from '../guidance/registry/index.ts';
import type { Config } from '../schedulers/options.ts';
import { createScheduler } from '../schedulers/registry.ts';
import type { Guidance } from '../guidance/guidance.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { backendOptions, chooseBackend } from './backend.ts';
import { runBreathing } from './breathing.ts';
import { chooseLabels, listedLabels } from './class-labels.ts';
import { chooseUNetGuidance, guidanceName, guidanceOptions } from './guidance-options.ts';
import { warn } from './messages.ts';
import { assumedText, chooseScheduler, loadModel, loadWeak, modelFolder, openSafetensors } from './model.ts';
import { chooseClassifier, classifierOptions } from './guiding-classifier.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';
import { weightsSha256 } from './run-record.ts';
import { shippedClassifier } from './shipped.ts';
import { flagOf, optionOf } from './words.ts';

/** The options that say what is drawn. */
export const drawingOptions: OptionKinds = {
  model: 'text',
  'weak-model': 'text',
  ...classifierOptions,
  classifier: 'text',
  count: 'number',
  labels: 'text',
  seed: 'number',
  scheduler: 'text',
  'scheduler-config': 'text',
  steps: 'number',
  eta: 'number',
  ...guidanceOptions,
  ...backendOptions,
};

/** An evaluation that is ready to be drawn. */
export interface EvaluationJob {
  readonly drawing: Drawing;
  readonly classifier: Classifier;
  readonly settings: Settings;
}

/**
 * The classifier of letters that measures; the one that ships, unless another file is named.
 * @throws InputError for a file that cannot be read, or has other weights
 */
export async function loadLetterClassifier(file = shippedClassifier): Promise<Classifier> {
  return createClassifier(readTensors(await openSafetensors(file)), file);
}

/**
 * The evaluation that `drawingOptions` describe.
 * @throws InputError for options that cannot be, and for files that cannot be read or used
 */
export async function prepareJob(options: ParsedOptions): Promise<EvaluationJob> {
  const { dtype, backend } = chooseBackend(options);
  const { unet, schedulerConfig } = await loadModel(modelFolder(options), dtype);
  checkPictures(unet);
  const weak = await loadWeak(options, dtype);
  const classifier = await loadLetterClassifier(options.text('classifier'));
  const config = await chooseScheduler(options.text('scheduler'), options.text('scheduler-config'), schedulerConfig);
  const steps = options.integer('steps', 1) ?? 20;
  const eta = options.number('eta', 0);
  const count = options.integer('count', 1, 1_000_000) ?? 2080;
  // Picture i has the seed + i, which must be exact.
  const seed = options.integer('seed', 0, Number.MAX_SAFE_INTEGER - count + 1) ?? 0;
  const nullLabel = options.integer('null-label', 0);
  const labels = chooseLabels(listedLabels(options), nullLabel, unet, {
    labels: '--labels, as 0-25',
    embeddings: 'it cannot be evaluated',
  });

  const pulling = await chooseClassifier(options, dtype, backend, { unet, schedulerConfig });
  const guidanceFor = (numbers: readonly number[]): Guidance =>
    chooseUNetGuidance(options, unet, {
      weak,
      slopeAt: pulling?.slopeFor(numbers, labels.length > 0 ? { classLabels: labelsOf(numbers, labels) } : {}),
    });
  refuseListedScales(options);
  guidanceFor([0]);
  const scheduler = createScheduler(config, steps, eta === undefined ? {} : { eta });
  warn([...assumedText(options, schedulerConfig), ...(scheduler.warnings ?? [])]);
  return {
    drawing: {
      unet,
      backend,
      seed,
      labels,
      guidanceFor,
      scheduler,
      ...(weak && { weak }),
      ...(nullLabel !== undefined && { nullLabel }),
    },
    classifier,
    settings: {
      count,
      seed,
      // What is asked for is what a classifier pulls towards; the model may be asked for something else.
      labels: pulling?.labels ?? labels,
      ...(pulling && { 'model-labels': labels.join(',') }),
      steps,
      ...(eta !== undefined && { eta }),
      scheduler: JSON.stringify(withoutNotes(config)),
      guidance: 'none',
      ...guidanceSettings(options),
      ...(pulling && { [pulling.option]: fingerprint(pulling.weights) }),
      dtype,
      ...(backend.name === 'simd-fma' && { kernels: backend.name }),
      model: fingerprint(unet.weights),
      ...(weak && { 'weak-model': fingerprint(weak.weights) }),
      classifier: fingerprint(classifier.weights),
    },
  };
}

/** The options of guidance, as they were given. */
function guidanceSettings(options: ParsedOptions): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...Object.keys(guidanceOptions), 'classifier-labels'].flatMap((name) => {
      const text = options.text(name);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

/** A scheduler's config without the notes that diffusers leaves in it. */
function withoutNotes(config: Config): Config {
  return Object.fromEntries(Object.entries(config).filter(([key]) => key === '_class_name' || !key.startsWith('_')));
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
  for (const parameter of parametersOf(guidanceName(options))) {
    const text = options.text(optionOf(parameter.name));
    if (parameter.kind === 'scale' && text?.includes(','))
      throw new InputError(`${flagOf(parameter.name)} is "${text}"; an evaluation takes one for all pictures`);
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
  if (difference === undefined) return record;
  const found = JSON.stringify(record.settings[difference]) ?? 'not set';
  throw new InputError(
    `${path} holds an evaluation with other settings (${difference} is ${found}); give another --out, or remove it`,
  );
}

/** What is to be drawn, and how far. */
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
 * @param path where the record is
 * @param record what is there already
 * @returns the record with all that is there now
 * @throws InputError when a step gives numbers that are not finite, or the record cannot be written
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
    const pictures = await runBreathing(drawPictures(job.drawing, numbers), ({ index, count }) =>
      onStep?.(done + ((index + 1) / count) * numbers.length),
    );
    const seen = look(job.classifier, job.drawing.backend, pictures);
    current = joinRecords([current, { settings: job.settings, numbers, ...seen }]);
    writeWhole(path, writeRecord(current));
  }
  return current;
}

/** 16 hexadecimal digits, the same for the same weights, whatever file they come from. */
export function fingerprint(weights: ReadonlyMap<string, Tensor>): string {
  return weightsSha256([weights]).slice(0, 16);
}
