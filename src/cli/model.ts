/** Loading what the user names: a model folder, a scheduler, tensors. */
import { basename } from 'node:path';
import { firstNotFinite } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { shapeText, sizeOf, tensor, type DType, type Tensor } from '../tensor/tensor.ts';
import { cast } from '../tensor/rounding.ts';
import { loadModelFolder, type FolderChoices } from '../formats/diffusers.ts';
import { longestJson } from '../formats/json.ts';
import { folderReader, readBytes } from '../formats/node-files.ts';
import { jsonObject } from '../formats/read-file.ts';
import { readSafetensors, readTensor, type SafetensorsFile } from '../formats/safetensors.ts';
import type { Config } from '../schedulers/options.ts';
import type { ModelKind, SchedulerEntry } from '../schedulers/entry.ts';
import { schedulerDefaults, schedulers } from '../schedulers/registry.ts';
import { createUNet, type UNet } from '../models/unet2d/unet.ts';
import { warn } from './messages.ts';
import { suggestion, type ParsedOptions } from './options.ts';
import { samplerHint } from './sampler-names.ts';
import { lettersModel } from './shipped.ts';

/** A model that is ready to run. */
export interface LoadedModel {
  readonly unet: UNet;
  /** `scheduler_config.json`, where the folder is a pipeline. */
  readonly schedulerConfig: Config | undefined;
}

/**
 * Loads a model folder as diffusers' `save_pretrained` writes it. What is to be said of it goes to stderr.
 * @param choices which files, and what becomes of the weights before a model is made of them
 * @throws InputError when files are missing or wrong, and for weights that are not finite
 */
export async function loadModel(folder: string, dtype: DType, choices: FolderChoices = {}): Promise<LoadedModel> {
  const { config, weights, schedulerConfig, warnings } = await loadModelFolder(
    await folderReader(folder),
    folder,
    choices,
  );
  warn(warnings);
  for (const [name, { data }] of weights) {
    const wrong = firstNotFinite(data);
    if (wrong >= 0)
      throw new InputError(
        `${folder}: "${name}" holds ${data[wrong]} (element ${wrong} of ${data.length}); expected finite numbers`,
      );
  }
  return { unet: createUNet(config, weights, dtype, folder), schedulerConfig };
}

/** The model that --weak-model names, where it names one. @throws InputError as `loadModel` */
export async function loadWeak(options: ParsedOptions, dtype: DType): Promise<UNet | undefined> {
  const folder = options.text('weak-model');
  return folder === undefined ? undefined : (await loadModel(folder, dtype)).unet;
}

/** The part of a command's help that explains --model. */
export const modelHelp = `\
  --model DIR                     a pipeline or UNet folder as diffusers' save_pretrained writes it (the letters model
                                  that ships)`;

/** Which of a folder's files the options choose. */
export function folderChoices(options: ParsedOptions): FolderChoices {
  const variant = options.text('variant');
  return variant === undefined ? {} : { variant };
}

/** The folder that --model names; the model that ships where it names none. */
export function modelFolder(options: ParsedOptions): string {
  return options.text('model') ?? lettersModel;
}

/**
 * The scheduler's config: a file, or the model's own under another class name, or the model's own; DDIM with its
 * defaults where there is none (`assumedText`).
 * @param name of the class, short or whole
 * @param file a scheduler_config.json
 * @throws InputError where the model is of another kind, and for names and files that cannot be used
 */
export async function chooseScheduler(
  name: string | undefined,
  file: string | undefined,
  ofModel: Config | undefined,
): Promise<Config> {
  if (file !== undefined && name !== undefined)
    throw new InputError('--scheduler and --scheduler-config exclude one another; the file names its class');
  const config = await chosenConfig(name, file, ofModel);
  if (!config) return ofModel ?? { _class_name: 'DDIMScheduler' };
  checkKind(config['_class_name'], ofModel?.['_class_name']);
  return config;
}

/** What is to be said where a model has no scheduler of its own, and none is chosen. */
export function assumedText(options: ParsedOptions, ofModel: Config | undefined): readonly string[] {
  if (ofModel || options.has('scheduler') || options.has('scheduler-config')) return [];
  return [
    "the model has no scheduler_config.json: assumed is DDIM with diffusers' defaults (of ε, 1000 timesteps, β from " +
      '0.0001 to 0.02); give --scheduler NAME or --scheduler-config FILE.json to choose',
  ];
}

async function chosenConfig(
  name: string | undefined,
  file: string | undefined,
  ofModel: Config | undefined,
): Promise<Config | undefined> {
  if (file !== undefined) return jsonObject(await readBytes(file, { most: longestJson }), file);
  return name === undefined ? undefined : configOfName(name, ofModel ?? {});
}

function configOfName(name: string, ofModel: Config): Config {
  const className = schedulerClass(name);
  return { ...sharedKeys(ofModel, className), _class_name: className };
}

/** The class of a scheduler by its short or whole name. @throws InputError for one that there is not */
export function schedulerClass(name: string): string {
  const wanted = name.toLowerCase();
  const known = Object.entries(schedulers);
  const [className] =
    known.find(([whole, { short }]) => short === wanted || shortName(whole) === shortName(name)) ?? [];
  if (className === undefined) {
    const shorts = known.map(([, { short }]) => short);
    const hint = samplerHint(name) ?? suggestion(wanted, shorts);
    throw new InputError(`--scheduler is "${name}"; expected ${shorts.join(', ')}${hint}`);
  }
  return className;
}

/** `ddim` for DDIMScheduler. */
function shortName(className: string): string {
  return className.replace(/Scheduler$/i, '').toLowerCase();
}

/**
 * What describes the model's training, not one scheduler: it holds for every scheduler that takes its place, so far as
 * that has the key.
 */
function sharedKeys(config: Config, className: string): Config {
  const shared = [
    'num_train_timesteps',
    'beta_start',
    'beta_end',
    'beta_schedule',
    'trained_betas',
    'prediction_type',
    'rescale_betas_zero_snr',
  ];
  const known = schedulerDefaults(className);
  return Object.fromEntries(
    Object.entries(config).filter(([key]) => shared.includes(key) && Object.hasOwn(known, key)),
  );
}

const kinds: Readonly<Record<ModelKind, string>> = {
  discrete: 'models of noise at whole timesteps',
  edm: "models with EDM's preconditioning",
  flow: 'models of a flow',
  consistency: 'models trained for consistency in σ',
  score: 'models of the score, given σ',
  continuous: 'models of v in continuous time',
};

/** Refuses a scheduler that cannot drive the model, so far as the model's own scheduler tells. */
function checkKind(chosen: unknown, ofModel: unknown): void {
  const [wanted, own] = [schedulerNamed(chosen)?.kind, schedulerNamed(ofModel)?.kind];
  if (wanted && own && wanted !== own)
    throw new InputError(
      `${chosen} is for ${kinds[wanted]}; the model's own scheduler, ${ofModel}, is for ${kinds[own]}`,
    );
}

/** The scheduler of a class name from a config; undefined when there is none. */
export function schedulerNamed(className: unknown): SchedulerEntry | undefined {
  return typeof className === 'string' && Object.hasOwn(schedulers, className) ? schedulers[className] : undefined;
}

/** Reads a safetensors file and checks its header. Throws an InputError when it cannot be read or is wrong. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const found = await readSafetensors((file, part) => readBytes(file, part), path, basename(path));
  if (!found) throw new InputError(`cannot read ${path}: there is no such file or folder`);
  return found;
}

/**
 * A tensor that must be finite, not empty, and of a given number of dimensions.
 * @param dtype the precision that it is rounded to
 * @param dimensions their names, as `N,C,H,W`
 * @throws InputError when it is missing or otherwise
 */
export function finiteTensor(file: SafetensorsFile, name: string, dtype: DType, dimensions: string): Tensor {
  const found = readTensor(file, name);
  const rank = dimensions.split(',').length;
  if (found.shape.length !== rank) {
    throw new InputError(`${file.source}: "${name}" has shape ${shapeText(found.shape)}, expected [${dimensions}]`);
  }
  if (found.data.length === 0)
    throw new InputError(`${file.source}: "${name}" has shape ${shapeText(found.shape)}, which is empty`);
  const wrong = firstNotFinite(found.data);
  if (wrong >= 0)
    throw new InputError(
      `${file.source}: "${name}" holds ${found.data[wrong]} (element ${wrong} of ${sizeOf(found.shape)}); ` +
        'expected finite numbers',
    );
  return cast(tensor(found.dtype, found.shape, found.data), dtype);
}
