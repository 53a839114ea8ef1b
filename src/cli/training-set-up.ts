/** What `pag train` is about to do: the config made a training, with a model to begin with and batches to come. */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { loadModelFolder } from '../formats/diffusers.ts';
import { longestJson } from '../formats/json.ts';
import { folderReader, readBytes } from '../formats/node-files.ts';
import { jsonObject } from '../formats/read-file.ts';
import type { Json } from '../models/config-keys.ts';
import type { Weights } from '../models/model.ts';
import { readUNetConfig, type UNetConfig } from '../models/unet2d/config.ts';
import { initialWeights } from '../models/unet2d/initialise.ts';
import { createUNet } from '../models/unet2d/unet.ts';
import type { Config } from '../schedulers/options.ts';
import { createScheduler } from '../schedulers/registry.ts';
import { InputError } from '../tensor/errors.ts';
import { manualSeed } from '../tensor/random.ts';
import { shown } from '../tensor/shown.ts';
import { zeros, type DType } from '../tensor/tensor.ts';
import { batchAt, batchOptionsOf, type Batch } from '../training/batches.ts';
import { parseTrainingConfig, type TrainingConfig } from '../training/config.ts';
import { checkPictures } from '../training/pictures.ts';
import { readReplay } from '../training/replay.ts';
import { createTraining, type Training } from '../training/training.ts';
import { warn } from './messages.ts';
import { openSafetensors } from './model.ts';
import { readPictures } from './training-data.ts';

/** A training that is ready to run. */
export interface PreparedTraining {
  readonly training: Training;
  /** As `config.json` of diffusers. */
  readonly modelConfig: Json;
  /** As `scheduler_config.json` of diffusers. */
  readonly schedulerConfig: Config;
}

/**
 * The training that a config describes. A model's folder is looked for beside the config.
 * @throws InputError for a config, or a model, that cannot be used
 */
export async function prepareTraining(configFile: string, dtype: DType): Promise<PreparedTraining> {
  const config = parseTrainingConfig(
    jsonObject(await readBytes(configFile, { most: longestJson }), configFile),
    configFile,
  );
  const { json, unetConfig, weights, ofFolder } = await beginning(config, configFile);
  if (json.dropout !== undefined && json.dropout !== 0 && json.dropout !== null)
    throw new InputError(`${configFile}: the model's dropout is ${shown(json.dropout)}; supported in training is 0`);
  const schedulerConfig = { _class_name: 'DDPMScheduler', ...(config.scheduler ?? ofFolder) };
  warn(createScheduler(schedulerConfig, 1).warnings ?? []);
  const { _name_or_path: _, ...modelConfig } = json;
  return {
    training: createTraining(config, createUNet(unetConfig, weights, dtype, configFile), schedulerConfig),
    modelConfig: { _class_name: 'UNet2DModel', ...modelConfig },
    schedulerConfig,
  };
}

interface Beginning {
  readonly json: Json;
  readonly unetConfig: UNetConfig;
  readonly weights: Weights;
  /** The scheduler's config of the model's folder. */
  readonly ofFolder: Json | undefined;
}

async function beginning({ model, seeds }: TrainingConfig, configFile: string): Promise<Beginning> {
  if (typeof model !== 'string') {
    const { config, warnings } = readUNetConfig(model, `${configFile}: model`);
    warn(warnings);
    const weights = initialWeights(config, manualSeed(seeds.weights));
    return { json: model, unetConfig: config, weights, ofFolder: undefined };
  }
  const folder = model.startsWith('/') ? model : join(dirname(configFile), model);
  const { config, configJson, weights, schedulerConfig, warnings } = await loadModelFolder(
    await folderReader(folder),
    folder,
  );
  warn(warnings);
  return { json: configJson, unetConfig: config, weights, ofFolder: schedulerConfig };
}

/** Where the batches of a training come from. */
export interface BatchSource {
  /** Steps that there are batches for. */
  readonly steps: number;
  /** Of what they are made, as hexadecimal digits. */
  readonly sha256: string;
  batch(step: number): Batch;
}

/**
 * Batches of pictures, or those of a file.
 * @throws InputError for data that cannot be read, or that the model cannot learn
 */
export async function chooseBatches(
  training: Training,
  data: string | undefined,
  replay: string | undefined,
): Promise<BatchSource> {
  if (replay !== undefined && data !== undefined)
    throw new InputError('--data and --replay exclude one another; the file of --replay has the pictures of each step');
  if (replay !== undefined) return replayed(training, replay);
  if (data === undefined) throw new InputError('--data is missing: a folder of PNGs, an .npz or a .safetensors file');
  const { config, model, noiseSchedule } = training;
  const options = batchOptionsOf(config, model.config);
  const { pictures, notes } = await readPictures(data, config.data, model.config);
  warn(notes);
  checkPictures(pictures, model.config, options.nullLabel, data);
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
  const { config, model, noiseSchedule } = training;
  const file = await openSafetensors(path);
  const batches = readReplay(file, noiseSchedule.trainTimesteps);
  if (batches.length > config.steps)
    throw new InputError(`${path} has ${batches.length} steps, more than the ${config.steps} of the config`);
  const batch = (step: number): Batch => {
    const found = batches[step];
    if (!found) throw new RangeError(`there is no step ${step}`);
    return found;
  };
  for (const { sample, timesteps, labels } of batches)
    model.check({ sample, timesteps, ...(labels && { classLabels: labels }) });
  return { steps: batches.length, sha256: hashOf([...file.entries.values()].map(({ bytes }) => bytes)), batch };
}

/** Fails where the model cannot be given the last timestep. */
function checkFits({ model, noiseSchedule }: Training, extents: readonly number[]): void {
  model.check({
    sample: zeros('f32', [1, ...extents]),
    timesteps: [noiseSchedule.trainTimesteps - 1],
    ...(model.config.classEmbedding !== 'none' && { classLabels: [0] }),
  });
}

function hashOf(parts: readonly Uint8Array[], text = ''): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.update(text).digest('hex').slice(0, 16);
}
