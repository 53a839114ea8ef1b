/**
 * `model_index.json` of a pipeline that draws what words say: which parts it has, each as `[library, class]`, both null
 * where it has none.
 */
import { classIn } from '../formats/model-index.ts';
import { adapterHint } from '../models/adapters.ts';
import type { Json } from '../models/config-keys.ts';
import { InputError } from '../tensor/errors.ts';

/** The parts of a pipeline, by the names of their folders. */
export type PartName = 'text_encoder' | 'text_encoder_2' | 'unet' | 'vae';

/** The classes that a part may be of. */
const classesOf: Readonly<Record<PartName | 'tokenizer' | 'tokenizer_2', readonly string[]>> = {
  tokenizer: ['CLIPTokenizer', 'CLIPTokenizerFast'],
  tokenizer_2: ['CLIPTokenizer', 'CLIPTokenizerFast'],
  text_encoder: ['CLIPTextModel', 'CLIPTextModelWithProjection'],
  text_encoder_2: ['CLIPTextModelWithProjection'],
  unet: ['UNet2DConditionModel'],
  vae: ['AutoencoderKL', 'AutoencoderTiny'],
};

/** What a pipeline has besides what every one has. */
export interface PipelineIndex {
  /** Whether it has a second text encoder, as Stable Diffusion XL has. */
  readonly isXl: boolean;
  /** The class of the autoencoder. */
  readonly vae: 'AutoencoderKL' | 'AutoencoderTiny';
  /** Whether no negative prompt means zeros, and not the empty text (XL). */
  readonly forceZerosForEmptyPrompt: boolean;
  /** What is to be said of it, one line each. */
  readonly warnings: readonly string[];
}

/**
 * Reads the index.
 * @param source the folder's name, for messages
 * @throws InputError for a pipeline of another kind, naming the part that it lacks, or that is of another class
 */
export function readPipelineIndex(index: Json | undefined, source: string): PipelineIndex {
  if (!index)
    throw new InputError(`${source}: there is no model_index.json of a pipeline with text_encoder, unet and vae`);
  const name = `${source}/model_index.json`;
  const pipeline = typeof index['_class_name'] === 'string' ? index['_class_name'] : 'pipeline of no named class';
  if (index['requires_aesthetics_score'] === true)
    throw new InputError(
      `${name}: requires_aesthetics_score is true, as for the refiner of Stable Diffusion XL; supported is its base`,
    );
  const added = ['controlnet', 'motion_adapter'].map((part) => classIn(index, part)).find((one) => one !== undefined);
  if (added !== undefined) throw new InputError(`${name}: the ${pipeline} has a ${added}${adapterHint(added)}`);
  const isXl = classIn(index, 'text_encoder_2') !== undefined || /XL/.test(pipeline);
  for (const part of isXl ? xlParts : parts) {
    const found = classIn(index, part);
    if (found === undefined) throw new InputError(`${name}: ${missing(part, pipeline, index)}`);
    if (!classesOf[part].includes(found))
      throw new InputError(`${name}: the class of ${part} is ${found}; supported is ${classesOf[part].join(' or ')}`);
  }
  return {
    isXl,
    vae: classIn(index, 'vae') === 'AutoencoderTiny' ? 'AutoencoderTiny' : 'AutoencoderKL',
    forceZerosForEmptyPrompt: isXl && index['force_zeros_for_empty_prompt'] !== false,
    warnings: Object.keys(index)
      .filter((part) => classIn(index, part) !== undefined && !used.includes(part))
      .map((part) => `${source}: its ${part} is left out`),
  };
}

const parts = ['text_encoder', 'tokenizer', 'unet', 'vae'] as const;
const xlParts = ['text_encoder_2', 'tokenizer_2', ...parts] as const;

/** What of an index is used, or serves only what is not. */
const used: readonly string[] = [...xlParts, 'scheduler', 'feature_extractor'];

function missing(part: string, pipeline: string, index: Json): string {
  const other = ['transformer', 'prior', 'decoder'].find((name) => classIn(index, name) !== undefined);
  const instead = other === undefined ? '' : `, but a ${other}`;
  return `the ${pipeline} has no ${part}${instead}; supported are pipelines of Stable Diffusion 1, 2 and XL`;
}
