/**
 * A folder with one model, as `save_pretrained` of diffusers or transformers writes it: `config.json`, and weights in
 * one file or in shards, of a variant or not.
 */
import type { Json, ReadConfig } from '../models/config-keys.ts';
import { parametersOf, type Stage } from '../models/stage.ts';
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
