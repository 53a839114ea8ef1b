/**
 * The parts of a pipeline, each a folder as `save_pretrained` of diffusers or transformers writes it: `config.json`,
 * and weights in one file or in shards, of a variant or not.
 */
import { decoderKLArchitecture, encoderKLArchitecture } from '../models/autoencoder-kl/autoencoder-kl.ts';
import { readAutoencoderKLConfig, type AutoencoderKLConfig } from '../models/autoencoder-kl/config.ts';
import { tinyDecoderArchitecture, tinyEncoderArchitecture } from '../models/autoencoder-tiny/autoencoder-tiny.ts';
import { readAutoencoderTinyConfig, type AutoencoderTinyConfig } from '../models/autoencoder-tiny/config.ts';
import { clipTextArchitecture } from '../models/clip-text/clip-text.ts';
import { readClipTextConfig, type ClipTextConfig } from '../models/clip-text/config.ts';
import { withoutPrefix } from '../models/clip-text/weights.ts';
import type { Json, ReadConfig } from '../models/config-keys.ts';
import { parametersOf, type Stage } from '../models/stage.ts';
import { readUNetClassifierConfig, type UNetClassifierConfig } from '../models/unet2d-classifier/config.ts';
import { unetClassifierArchitecture } from '../models/unet2d-classifier/unet-classifier.ts';
import { readUNetConditionConfig, type UNetConditionConfig } from '../models/unet2d-condition/config.ts';
import { unetConditionArchitecture } from '../models/unet2d-condition/unet-condition.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { FolderChoices } from './diffusers.ts';
import { loadWeights, unreadText } from './diffusers-weights.ts';
import { readJsonFile, type ReadFile } from './read-file.ts';

/** What there is to know of a family to read a folder of it. */
export interface ComponentKind<Config> {
  /** Reads its config.json. */
  readonly read: (json: Json, source: string) => ReadConfig<Config>;
  /** The stages that have its parameters. */
  readonly stages: (config: Config) => readonly Pick<Stage<never>, 'parameters'>[];
  /** What the files of its weights are called, before `.safetensors`; as diffusers calls them unless given. */
  readonly stem?: string;
  /** What a weight is called here, where files call it otherwise. */
  readonly rename?: (name: string) => string;
}

/** The kinds of models that are parts of a pipeline, by their classes. */
export const componentKinds: {
  readonly UNet2DConditionModel: ComponentKind<UNetConditionConfig>;
  readonly CLIPTextModel: ComponentKind<ClipTextConfig>;
  readonly AutoencoderKL: ComponentKind<AutoencoderKLConfig>;
  readonly AutoencoderTiny: ComponentKind<AutoencoderTinyConfig>;
} = {
  UNet2DConditionModel: {
    read: readUNetConditionConfig,
    stages: (config) => unetConditionArchitecture(config).stages,
  },
  CLIPTextModel: {
    read: readClipTextConfig,
    stages: (config) => clipTextArchitecture(config).stages,
    stem: 'model',
    rename: withoutPrefix,
  },
  AutoencoderKL: {
    read: readAutoencoderKLConfig,
    stages: (config) => [...encoderKLArchitecture(config).stages, ...decoderKLArchitecture(config).stages],
  },
  AutoencoderTiny: {
    read: readAutoencoderTinyConfig,
    stages: (config) => [...tinyEncoderArchitecture(config).stages, ...tinyDecoderArchitecture(config).stages],
  },
};

/** A classifier that guides; it is no part of a pipeline, but has a folder of its own. */
export const classifierKind: ComponentKind<UNetClassifierConfig> = {
  read: readUNetClassifierConfig,
  stages: (config) => unetClassifierArchitecture(config).stages,
};

/** What a folder with one model holds. */
export interface ModelFiles<Config> {
  readonly config: Config;
  /** The config as it stands in its file. */
  readonly configJson: Json;
  /** All that the model has, and no others. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** What is to be said of the folder, one line each: keys and tensors that do nothing. */
  readonly warnings: readonly string[];
}

/**
 * Loads a folder that holds one model of a known kind.
 * @param folder its path within what is read, empty or ending in a slash
 * @param source the name of what is read, for messages
 * @throws InputError when files are missing or wrong
 */
export async function loadModelFiles<Config>(
  readFile: ReadFile,
  folder: string,
  source: string,
  { read, stages, ...files }: ComponentKind<Config>,
  { variant, adapt = (_part, weights) => weights }: FolderChoices = {},
): Promise<ModelFiles<Config>> {
  const json = await readJsonFile(readFile, `${folder}config.json`, source);
  if (!json) {
    throw new InputError(`${source}: there is no ${folder}config.json; give a folder as save_pretrained writes it`);
  }
  const { config, warnings } = read(json, `${source}/${folder}config.json`);
  const wanted = new Set(parametersOf(stages(config)).map(({ name }) => name));
  const { weights, unread } = await loadWeights({ readFile, folder, source, variant, ...files }, wanted);
  const left = unread.length > 0 ? [`${source}/${folder}: ${unreadText(unread)}`] : [];
  const adapted = adapt(folder.replace(/\/$/, ''), weights);
  return { config, configJson: json, weights: adapted, warnings: [...warnings, ...left] };
}
