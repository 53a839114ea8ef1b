/**
 * Folders as diffusers' `save_pretrained` writes them and the Hub keeps them: a pipeline (`model_index.json`, `unet/`,
 * `scheduler/`), a pipeline all in one folder, a bare UNet (`config.json`, weights, perhaps `scheduler_config.json`),
 * or the Hub's cache of any of them (`snapshots/<commit>`).
 */
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Json } from '../models/config-keys.ts';
import { parametersOf } from '../models/stage.ts';
import { readUNetConfig, type UNetConfig } from '../models/unet2d/config.ts';
import { unetArchitecture } from '../models/unet2d/unet.ts';
import { loadWeights, unreadText } from './diffusers-weights.ts';
import { snapshotOf } from './hub-cache.ts';
import { classIn } from './model-index.ts';
import { aReader, readJsonFile, type ReadFile } from './read-file.ts';

/** What a model folder holds, read and checked. */
export type ModelFolder = FolderOf<UNetConfig>;

/** What a folder of a model of some family holds. */
export interface FolderOf<Config> {
  readonly config: Config;
  /** The config as it stands in its file. */
  readonly configJson: Json;
  /** By the names that diffusers gives them today: all that the model has, and no others. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /**
   * `scheduler_config.json`, where the folder has one; its class is that of `model_index.json`, where that names one,
   * as in diffusers.
   */
  readonly schedulerConfig: Json | undefined;
  /** What is to be said of the folder, one line each: keys and tensors that do nothing. */
  readonly warnings: readonly string[];
}

/** What of a folder is wanted. */
export interface FolderChoices {
  /** Of the weights, as `fp16`: the files `diffusion_pytorch_model.fp16.safetensors`. */
  readonly variant?: string;
  /**
   * What becomes of the weights of a part, `unet` or `text_encoder`, before a model is made of them: of the same names
   * and shapes.
   */
  readonly adapt?: (part: string, weights: ReadonlyMap<string, Tensor>) => ReadonlyMap<string, Tensor>;
}

/**
 * Loads a model folder.
 * @param source the folder's name, for messages
 * @throws InputError when files are missing or wrong, and for a variant that is no name
 */
export async function loadModelFolder(
  readFile: ReadFile,
  source: string,
  { variant, adapt = (_part, weights) => weights }: FolderChoices = {},
): Promise<ModelFolder> {
  aReader('what reads files', readFile);
  const place = await placeOf(readFile, source);
  const configName = `${place.source}/${place.unet}config.json`;
  const { config, warnings } = readUNetConfig(place.config, configName);
  const scheduler = await schedulerOf(place);
  const names = parametersOf(unetArchitecture(config).stages).map(({ name }) => name);
  const { weights, unread } = await loadWeights({ ...place, folder: place.unet, variant }, new Set(names));
  return {
    config,
    configJson: place.config,
    weights: adapt('unet', weights),
    schedulerConfig: scheduler.config,
    warnings: [
      ...warnings,
      ...scheduler.warnings,
      ...classText(place),
      ...latentsText(place),
      ...(unread.length > 0 ? [`${place.source}/${place.unet}: ${unreadText(unread)}`] : []),
    ],
  };
}

/** Where in a folder the parts of a model are. */
interface Place {
  /** Of the folder that has them: of a cache, one of its snapshots. */
  readonly readFile: ReadFile;
  readonly source: string;
  /** `unet/`, or nothing where the UNet lies in the folder itself. */
  readonly unet: string;
  /** The UNet's config.json. */
  readonly config: Json;
  /** model_index.json, where the folder is a pipeline. */
  readonly index: Json | undefined;
}

async function placeOf(readFile: ReadFile, source: string): Promise<Place> {
  const found = await lookFor(readFile, source);
  if (found) return found;
  const snapshot = await snapshotOf(readFile, source);
  const inside = snapshot && (await lookFor(snapshot.readFile, snapshot.source));
  if (inside) return inside;
  throw new InputError(await nothingThere(readFile, source));
}

/** A pipeline with its UNet in a folder, a pipeline without folders, or a bare UNet. */
async function lookFor(readFile: ReadFile, source: string): Promise<Place | undefined> {
  const index = await readJsonFile(readFile, 'model_index.json', source);
  for (const unet of index ? ['unet/', ''] : ['']) {
    const config = await readJsonFile(readFile, `${unet}config.json`, source);
    if (config) return { readFile, source, unet, config, index };
  }
  if (index)
    throw new InputError(
      `${source}: there is no unet/config.json, nor a config.json beside model_index.json; ` +
        "give a folder as diffusers' save_pretrained writes it",
    );
  return undefined;
}

/** Why a folder is no model, and what it seems to be. */
async function nothingThere(readFile: ReadFile, source: string): Promise<string> {
  const none = `${source}: there is no model_index.json (a pipeline) or config.json (a UNet)`;
  const inner: string[] = [];
  for (const name of ['unet', 'unet_ema'])
    if (await readFile(`${name}/config.json`, { first: 1 })) inner.push(`${source}/${name}`);
  if (inner.length > 0) return `${none}; give ${inner.join(' or ')}`;
  const listed = (await readFile.list?.('')) ?? [];
  if (listed.includes('snapshots'))
    return `${none}; it is a cache of the Hub: give one of the folders in its snapshots`;
  const file = listed.find((name) => /\.(safetensors|ckpt|pt|pth|bin|gguf|onnx)$/.test(name));
  const hint = file === undefined ? '' : `${file} is there, but a checkpoint of one file has no config; `;
  return `${none}; ${hint}give a folder as diffusers' save_pretrained writes it`;
}

/**
 * The scheduler's config, with the class that diffusers would make of it.
 * @param index model_index.json, where the folder is a pipeline
 * @returns and what is to be said of it, one line each
 * @throws InputError when a file is no JSON
 */
export async function schedulerOf({
  readFile,
  source,
  index,
}: Pick<Place, 'readFile' | 'source' | 'index'>): Promise<{ config: Json | undefined; warnings: readonly string[] }> {
  const ofIndex = classIn(index, 'scheduler');
  for (const path of ['scheduler/scheduler_config.json', 'scheduler_config.json']) {
    const config = await readJsonFile(readFile, path, source);
    if (!config) continue;
    const own = config['_class_name'];
    if (ofIndex === undefined || own === ofIndex) return { config, warnings: [] };
    const said = `${source}/${path} is of ${JSON.stringify(own)}`;
    const differs = `${said}, but model_index.json names ${ofIndex}, which is taken`;
    return { config: { ...config, _class_name: ofIndex }, warnings: own === undefined ? [] : [differs] };
  }
  if (ofIndex === undefined) return { config: undefined, warnings: [] };
  const missing = `${source}: there is no scheduler_config.json; ${ofIndex} is taken with its defaults`;
  return { config: { _class_name: ofIndex }, warnings: [missing] };
}

/** What is to be said where index and config do not name the same class: the config is what describes the weights. */
function classText({ index, config, source, unet }: Place): readonly string[] {
  const [named, own] = [classIn(index, 'unet'), config['_class_name']];
  if (named === undefined || own === undefined || named === own) return [];
  const said = `${source}/model_index.json names a ${named}`;
  return [`${said}, but ${unet}config.json is of ${JSON.stringify(own)}, which is taken`];
}

/** What is to be said of a pipeline whose UNet works on what an autoencoder makes of pictures. */
function latentsText({ index, source }: Place): readonly string[] {
  const found = ['vae', 'vqvae', 'movq'].find((name) => classIn(index, name) !== undefined);
  return found === undefined ? [] : [`${source} has a ${found}: what its UNet draws are latents, not pictures`];
}
