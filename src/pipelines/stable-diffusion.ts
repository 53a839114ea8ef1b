/**
 * A pipeline of Stable Diffusion 1, 2 (Rombach et al. 2022, arXiv 2112.10752; `diffusers.StableDiffusionPipeline`) or
 * XL (Podell et al. 2023, arXiv 2307.01952; `StableDiffusionXLPipeline`): tokenizers and text encoders, the UNet that
 * draws latents, and the autoencoder that makes pictures of them.
 */
import { componentKinds } from '../formats/components.ts';
import { loadModelFiles, type ComponentKind, type ModelFiles } from '../formats/model-files.ts';
import { schedulerOf, type FolderChoices } from '../formats/diffusers.ts';
import { located, type Located } from '../formats/hub-cache.ts';
import { readJsonFile, type ReadFile } from '../formats/read-file.ts';
import { createAutoencoderKL, type AutoencoderKL } from '../models/autoencoder-kl/autoencoder-kl.ts';
import { createAutoencoderTiny, type AutoencoderTiny } from '../models/autoencoder-tiny/autoencoder-tiny.ts';
import { createClipText, type ClipText } from '../models/clip-text/clip-text.ts';
import type { Json } from '../models/config-keys.ts';
import { createUNetCondition, type UNetCondition } from '../models/unet2d-condition/unet-condition.ts';
import { InputError } from '../tensor/errors.ts';
import type { DType } from '../tensor/tensor.ts';
import { checkParts } from './check-parts.ts';
import type { Tokenizer } from './clip-tokenizer.ts';
import { partChoices } from './part-variants.ts';
import { readPipelineIndex, type PartName, type PipelineIndex } from './pipeline-index.ts';
import { loadTokenizer } from './tokenizer-folder.ts';

/** A tokenizer, and the encoder of what it makes of a text. */
export interface TextPart {
  readonly tokenize: Tokenizer;
  readonly encoder: ClipText;
}

/** A pipeline that is ready to run. */
export interface StableDiffusion {
  /** One of Stable Diffusion 1 and 2, two of XL. */
  readonly texts: readonly [TextPart, ...TextPart[]];
  readonly unet: UNetCondition;
  readonly autoencoder: AutoencoderKL | AutoencoderTiny;
  /** Whether no negative prompt means zeros in the place of an encoded text, as in XL, and not the empty text. */
  readonly forceZerosForEmptyPrompt: boolean;
  /** `scheduler_config.json`, where the folder has one. */
  readonly schedulerConfig: Json | undefined;
  /** What is to be said of the folder, one line each. */
  readonly warnings: readonly string[];
}

/**
 * Loads a folder of a pipeline, or the Hub's cache of one.
 * @param source its name, for messages
 * @param dtype in which all models compute; but XL's autoencoder computes in f32 in the place of f16, where its config
 *   says so (`force_upcast`), and encodes in f32 in the place of bf16, as in diffusers
 * @throws InputError when files are missing or wrong, for parts that do not fit one another, and for pipelines of other
 *   kinds
 */
export async function loadStableDiffusion(
  readFile: ReadFile,
  source: string,
  dtype: DType,
  choices: FolderChoices = {},
): Promise<StableDiffusion> {
  return loadFrom(await located(readFile, source, 'model_index.json'), dtype, choices);
}

async function loadFrom({ readFile, source }: Located, dtype: DType, choices: FolderChoices): Promise<StableDiffusion> {
  const json = await readJsonFile(readFile, 'model_index.json', source);
  const index = readPipelineIndex(json, source);
  const folders = ['text_encoder', ...(index.isXl ? ['text_encoder_2'] : []), 'unet', 'vae'];
  const chosen = await partChoices(readFile, source, folders, choices);
  const part = <Config>(folder: PartName, kind: ComponentKind<Config>) =>
    loadModelFiles(readFile, `${folder}/`, source, kind, chosen.of(folder));
  const textPart = async (folder: PartName, tokenizer: string): Promise<TextPart & Warned> => {
    const { config, weights, warnings } = await part(folder, componentKinds.CLIPTextModel);
    const encoder = createClipText(config, weights, dtype, `${source}/${folder}`);
    const tokenize = await loadTokenizer(readFile, `${tokenizer}/`, source);
    checkLength(tokenize, config.maxPositionEmbeddings, `${source}: the ${tokenizer}`);
    return { tokenize, encoder, warnings };
  };
  const first = await textPart('text_encoder', 'tokenizer');
  const others = index.isXl ? [await textPart('text_encoder_2', 'tokenizer_2')] : [];
  const { config, weights, warnings } = await part('unet', componentKinds.UNet2DConditionModel);
  const unet = createUNetCondition(config, weights, dtype, `${source}/unet`);
  const { autoencoder, warnings: ofAutoencoder } = await loadAutoencoder(index, dtype, part, `${source}/vae`);
  const scheduler = await schedulerOf({ readFile, source, index: json });
  const texts = [first, ...others] as const;
  checkParts({ encoders: texts.map(({ encoder }) => encoder), unet, autoencoder }, source);
  return {
    texts,
    unet,
    autoencoder,
    forceZerosForEmptyPrompt: index.forceZerosForEmptyPrompt,
    schedulerConfig: scheduler.config,
    warnings: [
      ...chosen.warnings,
      ...texts.flatMap((text) => text.warnings),
      ...[warnings, ofAutoencoder, scheduler.warnings, index.warnings].flat(),
      ...(scheduler.config ? [] : [`${source}: the pipeline has no scheduler; DDIM is taken with its defaults`]),
    ],
  };
}

/** With what is to be said of the files. */
type Warned = Pick<StableDiffusion, 'warnings'>;

/** @throws InputError for a tokenizer whose texts are longer than those that the encoder takes */
function checkLength(tokenize: Tokenizer, most: number, who: string): void {
  const { length } = tokenize('').ids;
  if (length > most)
    throw new InputError(
      `${who} makes texts of ${length} tokens, but its encoder takes ${most} (max_position_embeddings)`,
    );
}

/** Loads a part by the folder that it lies in. */
type LoadPart = <Config>(folder: PartName, kind: ComponentKind<Config>) => Promise<ModelFiles<Config>>;

async function loadAutoencoder(
  { vae, isXl }: PipelineIndex,
  dtype: DType,
  part: LoadPart,
  source: string,
): Promise<Pick<StableDiffusion, 'autoencoder'> & Warned> {
  if (vae === 'AutoencoderTiny') {
    const { config, weights, warnings } = await part('vae', componentKinds.AutoencoderTiny);
    return { autoencoder: createAutoencoderTiny(config, weights, dtype, source), warnings };
  }
  const { config, weights, warnings } = await part('vae', componentKinds.AutoencoderKL);
  const create = (as: DType): AutoencoderKL => createAutoencoderKL(config, weights, as, source);
  const upcasts = isXl && config.forceUpcast;
  const autoencoder = create(upcasts && dtype === 'f16' ? 'f32' : dtype);
  const { encoder } = upcasts && dtype === 'bf16' ? create('f32') : autoencoder;
  return { autoencoder: { ...autoencoder, encoder }, warnings };
}
