/** What `pag train` is about to do: the config made a training, with a model to begin with and batches to come. */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { loadClassifierFolder } from '../formats/classifier-folder.ts';
import { loadModelFolder, type FolderOf } from '../formats/diffusers.ts';
import { longestJson } from '../formats/json.ts';
import { folderReader, readBytes } from '../formats/node-files.ts';
import { jsonObject, type ReadFile } from '../formats/read-file.ts';
import type { Json, ReadConfig } from '../models/config-keys.ts';
import type { Weights } from '../models/model.ts';
import { readUNetConfig, type UNetConfig } from '../models/unet2d/config.ts';
import { initialWeights } from '../models/unet2d/initialise.ts';
import { createUNet } from '../models/unet2d/unet.ts';
import {
  classifierFamily,
  readUNetClassifierConfig,
  type UNetClassifierConfig,
} from '../models/unet2d-classifier/config.ts';
import { createUNetClassifier, initialClassifierWeights } from '../models/unet2d-classifier/unet-classifier.ts';
import type { Config } from '../schedulers/options.ts';
import { createScheduler } from '../schedulers/registry.ts';
import { InputError } from '../tensor/errors.ts';
import { manualSeed, type Generator } from '../tensor/random.ts';
import { shown } from '../tensor/shown.ts';
import { zeros, type DType } from '../tensor/tensor.ts';
import { batchAt, batchOptionsOf, type Batch } from '../training/batches.ts';
import { parseTrainingConfig, type TrainingConfig } from '../training/config.ts';
import type { ModelDescription } from '../training/model-files.ts';
import { checkPictures, type Pictures } from '../training/pictures.ts';
import { readReplay } from '../training/replay.ts';
import { createClassifierTraining, createTraining, picturesOfClasses, type Training } from '../training/training.ts';
import { warn } from './messages.ts';
import { openSafetensors } from './model.ts';
import { readPictures } from './training-data.ts';

/** A training that is ready to run. */
export interface PreparedTraining extends ModelDescription {
  readonly training: Training;
}

/** A training that has been read, and has no weights of its own yet: to draw them may take long. */
export interface PlannedTraining {
  readonly config: TrainingConfig;
  /** As that of `Training`. */
  readonly learns: UNetConfig;
  /** @throws InputError for a model, or a scheduler, that cannot be trained */
  prepare(): PreparedTraining;
}

/**
 * The training that a config describes. A model's folder is looked for beside the config.
 * @param kind what is trained: a UNet2DModel that draws, or a noise-aware classifier
 * @throws InputError for a config, or a model, that cannot be used
 */
export async function planTraining(
  configFile: string,
  dtype: DType,
  kind: Training['kind'] = 'denoiser',
): Promise<PlannedTraining> {
  const config = parseTrainingConfig(
    jsonObject(await readBytes(configFile, { most: longestJson }), configFile),
    configFile,
  );
  return kind === 'denoiser'
    ? planned(config, configFile, denoiser, ({ config: unet, weights }, scheduler) =>
        createTraining(config, createUNet(unet, weights(), dtype, configFile), scheduler),
      )
    : planned(config, configFile, classifier, ({ config: classes, weights }, scheduler) =>
        createClassifierTraining(config, createUNetClassifier(classes, weights(), dtype, configFile), scheduler),
      );
}

async function planned<C>(
  config: TrainingConfig,
  configFile: string,
  family: Family<C>,
  create: (beginning: Beginning<C>, schedulerConfig: Config) => Training,
): Promise<PlannedTraining> {
  const beginning = await beginningOf(config, configFile, family);
  const { configJson } = beginning;
  if (configJson.dropout !== undefined && configJson.dropout !== 0 && configJson.dropout !== null)
    throw new InputError(
      `${configFile}: the model's dropout is ${shown(configJson.dropout)}; supported in training is 0`,
    );
  const schedulerConfig = { _class_name: 'DDPMScheduler', ...(config.scheduler ?? beginning.schedulerConfig) };
  warn(createScheduler(schedulerConfig, 1).warnings ?? []);
  const { _name_or_path: _, ...modelConfig } = configJson;
  return {
    config,
    learns: family.learns(beginning.config),
    prepare: () => ({
      training: create(beginning, schedulerConfig),
      modelConfig: { _class_name: family.name, ...modelConfig },
      schedulerConfig,
    }),
  };
}

/** What a training begins with; its weights are drawn, or made of those of the folder, when they are asked for. */
interface Beginning<C> extends Pick<FolderOf<C>, 'config' | 'configJson' | 'schedulerConfig'> {
  readonly weights: () => Weights;
}

/** What is different between the families that can be trained. */
interface Family<C> {
  readonly name: string;
  readonly read: (json: Json, source: string) => ReadConfig<C>;
  readonly initial: (config: C, generator: Generator) => Weights;
  readonly load: (readFile: ReadFile, source: string) => Promise<FolderOf<C>>;
  /** What the pictures must be. */
  readonly learns: (config: C) => UNetConfig;
}

const denoiser: Family<UNetConfig> = {
  name: 'UNet2DModel',
  read: readUNetConfig,
  initial: initialWeights,
  load: loadModelFolder,
  learns: (config) => config,
};
const classifier: Family<UNetClassifierConfig> = {
  name: classifierFamily,
  read: readUNetClassifierConfig,
  initial: initialClassifierWeights,
  load: loadClassifierFolder,
  learns: picturesOfClasses,
};

async function beginningOf<C>(
  { model, seeds }: TrainingConfig,
  configFile: string,
  { read, initial, load }: Family<C>,
): Promise<Beginning<C>> {
  if (typeof model !== 'string') {
    const { config, warnings } = read(model, `${configFile}: model`);
    warn(warnings);
    return {
      config,
      configJson: model,
      weights: () => initial(config, manualSeed(seeds.weights)),
      schedulerConfig: undefined,
    };
  }
  const folder = model.startsWith('/') ? model : join(dirname(configFile), model);
  const { warnings, weights, ...found } = await load(await folderReader(folder), folder);
  warn(warnings);
  return { ...found, weights: () => weights };
}

/** Where the batches of a training come from. */
export interface BatchSource {
  /** Steps that there are batches for. */
  readonly steps: number;
  /** Of what they are made, as hexadecimal digits. */
  readonly sha256: string;
  batch(step: number): Batch;
}

/** What a training is given: pictures, or the batches of a file. */
type TrainingData = { readonly pictures: Pictures } | { readonly replay: string };

/**
 * The pictures that the options name, or the file of batches, which is read when the model is there.
 * @throws InputError for data that cannot be read, or that the model cannot learn
 */
export async function readTrainingData(
  { config, learns }: PlannedTraining,
  data: string | undefined,
  replay: string | undefined,
): Promise<TrainingData> {
  if (replay !== undefined && data !== undefined)
    throw new InputError('--data and --replay exclude one another; the file of --replay has the pictures of each step');
  if (replay !== undefined) return { replay };
  if (data === undefined) throw new InputError('--data is missing: a folder of PNGs, an .npz or a .safetensors file');
  const { nullLabel } = batchOptionsOf(config, learns);
  const { pictures, notes } = await readPictures(data, config.data, learns);
  warn(notes);
  checkPictures(pictures, learns, nullLabel, data);
  return { pictures };
}

/**
 * Batches of pictures, or those of a file.
 * @throws InputError for batches that cannot be read, and for what does not fit the model
 */
export async function chooseBatches(training: Training, data: TrainingData): Promise<BatchSource> {
  if ('replay' in data) return replayed(training, data.replay);
  const { pictures } = data;
  const { config, learns, noiseSchedule } = training;
  const options = batchOptionsOf(config, learns);
  const { trainTimesteps } = noiseSchedule;
  const source: BatchSource = {
    steps: config.steps,
    sha256: hashOf(
      [new Uint8Array(pictures.data.buffer, pictures.data.byteOffset, pictures.data.byteLength)],
      JSON.stringify([pictures.shape, pictures.labels]),
    ),
    batch: (step) => batchAt(pictures, options, trainTimesteps, config.seeds.batches, step),
  };
  checkFits(training, pictures.shape.slice(1));
  return source;
}

async function replayed(training: Training, path: string): Promise<BatchSource> {
  const { config, model, noiseSchedule, inputOf } = training;
  const file = await openSafetensors(path);
  const batches = readReplay(file, noiseSchedule.trainTimesteps);
  if (batches.length > config.steps)
    throw new InputError(`${path} has ${batches.length} steps, more than the ${config.steps} of the config`);
  const batch = (step: number): Batch => {
    const found = batches[step];
    if (!found) throw new RangeError(`there is no step ${step}`);
    return found;
  };
  for (const one of batches) model.check(inputOf(one));
  return { steps: batches.length, sha256: hashOf([...file.entries.values()].map(({ bytes }) => bytes)), batch };
}

/** Fails where the model cannot be given the last timestep. */
function checkFits({ model, learns, noiseSchedule, inputOf }: Training, extents: readonly number[]): void {
  const sample = zeros('f32', [1, ...extents]);
  const timesteps = [noiseSchedule.trainTimesteps - 1];
  model.check(inputOf({ sample, noise: sample, timesteps, ...(learns.classEmbedding !== 'none' && { labels: [0] }) }));
}

function hashOf(parts: readonly Uint8Array[], text = ''): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.update(text).digest('hex').slice(0, 16);
}
