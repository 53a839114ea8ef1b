/**
 * A pipeline of Stable Diffusion 1 or 2 (Rombach et al. 2022, arXiv 2112.10752; `diffusers.StableDiffusionPipeline`): a
 * tokenizer and a text encoder, the UNet that draws latents, and the autoencoder that makes pictures of them.
 */
import { componentKinds, loadModelFiles, type ComponentKind } from '../formats/components.ts';
import type { FolderChoices } from '../formats/diffusers.ts';
import { readJsonFile, type ReadFile } from '../formats/read-file.ts';
import type { Backend } from '../kernels/kernels.ts';
import {
  createAutoencoderKL,
  decodeLatents,
  unscaledLatents,
  type AutoencoderKL,
} from '../models/autoencoder-kl/autoencoder-kl.ts';
import { createClipText, encodeText, type ClipText } from '../models/clip-text/clip-text.ts';
import type { Json } from '../models/config-keys.ts';
import { createUNetCondition, type UNetCondition } from '../models/unet2d-condition/unet-condition.ts';
import { InputError } from '../tensor/errors.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import type { Tokenizer } from './clip-tokenizer.ts';
import { loadTokenizer } from './tokenizer-folder.ts';

/** A pipeline that is ready to run. */
export interface StableDiffusion {
  readonly tokenize: Tokenizer;
  readonly encoder: ClipText;
  readonly unet: UNetCondition;
  readonly autoencoder: AutoencoderKL;
  /** `scheduler_config.json`, where the folder has one. */
  readonly schedulerConfig: Json | undefined;
  /** What is to be said of the folder, one line each. */
  readonly warnings: readonly string[];
}

/**
 * Loads a folder of a pipeline.
 * @param source its name, for messages
 * @param dtype in which all models compute
 * @throws InputError when files are missing or wrong, and for pipelines of other kinds
 */
export async function loadStableDiffusion(
  readFile: ReadFile,
  source: string,
  dtype: DType,
  choices: FolderChoices = {},
): Promise<StableDiffusion> {
  const index = await readJsonFile(readFile, 'model_index.json', source);
  if (!index || !isThere(index, 'text_encoder') || !isThere(index, 'unet') || !isThere(index, 'vae'))
    throw new InputError(`${source}: there is no model_index.json of a pipeline with text_encoder, unet and vae`);
  if (isThere(index, 'text_encoder_2'))
    throw new InputError(`${source}: pipelines of two text encoders, as Stable Diffusion XL's, are not supported yet`);
  const part = <Config>(folder: string, kind: ComponentKind<Config>) =>
    loadModelFiles(readFile, `${folder}/`, source, kind, choices);
  const text = await part('text_encoder', componentKinds.CLIPTextModel);
  const unet = await part('unet', componentKinds.UNet2DConditionModel);
  const vae = await part('vae', componentKinds.AutoencoderKL);
  const unchecked = isThere(index, 'safety_checker') ? [`${source}: its safety checker is left out`] : [];
  return {
    tokenize: await loadTokenizer(readFile, 'tokenizer/', source),
    encoder: createClipText(text.config, text.weights, dtype),
    unet: createUNetCondition(unet.config, unet.weights, dtype),
    autoencoder: createAutoencoderKL(vae.config, vae.weights, dtype),
    schedulerConfig: await readJsonFile(readFile, 'scheduler/scheduler_config.json', source),
    warnings: [...text.warnings, ...unet.warnings, ...vae.warnings, ...unchecked],
  };
}

/** Whether a pipeline has a part: `[library, class]`, both null where it has none. */
function isThere(index: Json, part: string): boolean {
  const entry = index[part];
  return Array.isArray(entry) && typeof entry[1] === 'string';
}

/** What the UNet is told of prompts, one for each sample, [N,L,D]. */
export function embedPrompts(
  { tokenize, encoder }: StableDiffusion,
  backend: Backend,
  prompts: readonly string[],
): Tensor {
  return encodeText(encoder, backend, { inputIds: prompts.map((prompt) => tokenize(prompt).ids) }).lastHiddenState;
}

/** The pictures that latents stand for, [N,4,h,w] → [N,3,H,W], from −1 to 1 and a little beyond. */
export function picturesOf({ autoencoder }: StableDiffusion, backend: Backend, latents: Tensor): Tensor {
  return decodeLatents(autoencoder, backend, unscaledLatents(autoencoder.config, latents));
}
