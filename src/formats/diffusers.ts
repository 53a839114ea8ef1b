/**
 * Folders as diffusers' `save_pretrained` writes them: a pipeline (`model_index.json`, `unet/`, `scheduler/`) or a bare
 * UNet (`config.json`, `diffusion_pytorch_model.safetensors` or its shards).
 */
import { InputError } from '../tensor/errors.ts';
import { reshape, type Tensor } from '../tensor/tensor.ts';
import { parseUNetConfig, type UNetConfig } from '../models/unet2d/config.ts';
import { parseJson } from './json.ts';
import { parseSafetensors, readTensor, type SafetensorsFile } from './safetensors.ts';

/** Reads the file at a path within a folder; undefined when there is none. Node reads a disk, a browser fetches. */
export type ReadFile = (path: string) => Promise<Uint8Array | undefined>;

/** What a model folder holds, read and checked. */
export interface ModelFolder {
  readonly config: UNetConfig;
  /** By the names that diffusers gives them today. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** `scheduler_config.json`, when the folder is a pipeline. */
  readonly schedulerConfig: Readonly<Record<string, unknown>> | undefined;
}

/** A folder with one model, read and its weights checked against nothing yet. */
export interface ModelFiles {
  /** Its `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** By the names that diffusers gives them today. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** The files in which weights are: diffusers', and transformers'. */
const weightsNames = ['diffusion_pytorch_model', 'model'] as const;

/**
 * Reads a folder that holds one model, of whatever class: `config.json`, and its weights in one file or in shards.
 * @param folder its path within what is read, empty or ending in a slash
 * @param source the name of what is read, for messages
 * @throws InputError when files are missing or wrong
 */
export async function loadModelFiles(readFile: ReadFile, folder: string, source: string): Promise<ModelFiles> {
  const config = await readJsonFile(readFile, `${folder}config.json`, source);
  if (!config) {
    throw new InputError(
      `${source}: there is no ${folder}config.json; give a folder as diffusers' save_pretrained writes it`,
    );
  }
  return { config, weights: await loadWeights(readFile, folder, source) };
}

/**
 * Loads a model folder.
 * @param source the folder's name, for messages
 * @throws InputError when files are missing or wrong
 */
export async function loadModelFolder(readFile: ReadFile, source: string): Promise<ModelFolder> {
  const isPipeline = (await readFile('model_index.json')) !== undefined;
  const unet = isPipeline ? 'unet/' : '';
  const configJson = await readJsonFile(readFile, `${unet}config.json`, source);
  if (!configJson) {
    const expected = isPipeline ? 'unet/config.json' : 'model_index.json (a pipeline) or config.json (a UNet)';
    throw new InputError(`${source}: there is no ${expected}; give a folder as diffusers' save_pretrained writes it`);
  }
  const schedulerConfig = await readJsonFile(readFile, 'scheduler/scheduler_config.json', source);
  const weights = await loadWeights(readFile, unet, source);
  return { config: parseUNetConfig(configJson, `${source}/${unet}config.json`), weights, schedulerConfig };
}

/**
 * A JSON file of a folder; undefined when there is no such file.
 * @param source the folder's name, for messages
 * @throws InputError when it is no JSON object
 */
export async function readJsonFile(
  readFile: ReadFile,
  path: string,
  source: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const bytes = await readFile(path);
  return bytes && jsonObject(bytes, `${source}/${path}`);
}

/**
 * The JSON object that the bytes of a file are, with Infinity and -Infinity as Python writes them.
 * @param source the file's name, for messages
 * @throws InputError unless the bytes are a JSON object
 */
export function jsonObject(bytes: Uint8Array, source: string): Readonly<Record<string, unknown>> {
  const value = parseJson(bytes, source, true);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InputError(`${source} is no JSON object`);
  return value as Readonly<Record<string, unknown>>;
}

async function loadWeights(readFile: ReadFile, folder: string, source: string): Promise<ReadonlyMap<string, Tensor>> {
  for (const name of weightsNames) {
    const file = `${folder}${name}.safetensors`;
    const whole = await readFile(file);
    if (whole) return tensorsOf(parseSafetensors(whole, `${source}/${file}`));
    const index = await readJsonFile(readFile, `${file}.index.json`, source);
    if (index) return loadShards(readFile, folder, index, `${source}/${file}.index.json`, source);
  }
  const [expected] = weightsNames;
  const hint = (await readFile(`${folder}${expected}.bin`))
    ? 'a .bin file is there, but only safetensors are read; save the model again with safe_serialization=True'
    : "give a folder as diffusers' save_pretrained writes it";
  throw new InputError(`${source}: there is no ${folder}${expected}.safetensors, nor its .index.json; ${hint}`);
}

async function loadShards(
  readFile: ReadFile,
  folder: string,
  index: Readonly<Record<string, unknown>>,
  indexName: string,
  source: string,
): Promise<ReadonlyMap<string, Tensor>> {
  const map = index['weight_map'];
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new InputError(`${indexName}: there is no object "weight_map"`);
  const namesOf = new Map<unknown, string[]>();
  for (const [name, file] of Object.entries(map as Record<string, unknown>)) {
    const names = namesOf.get(file) ?? [];
    names.push(name);
    namesOf.set(file, names);
  }
  const weights = new Map<string, Tensor>();
  for (const [file, names] of namesOf) {
    // A shard lies beside its index: anything else would read where nobody asked it to.
    if (typeof file !== 'string' || !/^\w[\w.-]*\.safetensors$/.test(file)) {
      throw new InputError(
        `${indexName}: "weight_map" names ${JSON.stringify(file)?.slice(0, 80)}; ` +
          'expected a .safetensors file of the same folder',
      );
    }
    const bytes = await readFile(folder + file);
    if (!bytes) throw new InputError(`${indexName}: the shard ${file} is missing`);
    const shard = parseSafetensors(bytes, `${source}/${folder}${file}`);
    const absent = names.find((name) => !shard.entries.has(name));
    if (absent !== undefined) throw new InputError(`${indexName}: "${absent}" is said to be in ${file}, but is not`);
    for (const [name, value] of tensorsOf(shard)) {
      if (weights.has(name)) throw new InputError(`${indexName}: two shards hold "${name}"`);
      weights.set(name, value);
    }
  }
  return weights;
}

function tensorsOf(file: SafetensorsFile): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const name of file.entries.keys()) {
    if (noWeight.test(name)) continue;
    const { name: current, value } = modernise(name, readTensor(file, name));
    if (weights.has(current))
      throw new InputError(`${file.source}: "${current}" is there twice, by its old and its new name`);
    weights.set(current, value);
  }
  return weights;
}

/** Whole numbers from 0 on, which text encoders of old checkpoints hold beside their weights. */
const noWeight = /(?:^|\.)embeddings\.position_ids$/;

/** The attention layers of old checkpoints, by what they are called since diffusers 0.15. */
const oldNames = { query: 'to_q', key: 'to_k', value: 'to_v', proj_attn: 'to_out.0' } as const;

/** Old names become new ones, and projections that were kept as 1 × 1 convolutions become matrices. */
function modernise(name: string, value: Tensor): { name: string; value: Tensor } {
  const current = name.replace(
    /^(.*\.attentions\.\d+\.)(query|key|value|proj_attn)(\.(?:weight|bias))$/,
    (_whole, layer: string, old: keyof typeof oldNames, part: string) => `${layer}${oldNames[old]}${part}`,
  );
  const isMatrix = /\.attentions\.\d+\.(?:to_[qkv]|to_out\.0)\.weight$/.test(current);
  const wasConvolution = isMatrix && value.shape.slice(2).every((extent) => extent === 1);
  return { name: current, value: wasConvolution ? reshape(value, value.shape.slice(0, 2)) : value };
}
