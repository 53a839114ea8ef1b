/** What a model is given, from a file of tensors. */
import { readNumbers, type SafetensorsFile } from '../formats/safetensors.ts';
import type { EmbeddingName, ModelInput } from '../models/model.ts';
import type { Condition } from '../models/condition.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import type { UNetCondition } from '../models/unet2d-condition/unet-condition.ts';
import { InputError } from '../tensor/errors.ts';
import { shapeText, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { finiteTensor } from './model.ts';

/** A UNet, by how it takes its class labels. */
type ReadsLabels = Pick<UNet, 'dtype'> & { readonly config: { readonly classEmbedding: string } };

/**
 * `sample` [B,C,H,W], `timestep` (one, or one per sample), and `class_labels` where the file has them.
 * @throws InputError when one is missing, or is no such tensor
 */
export function readModelInput(file: SafetensorsFile, unet: ReadsLabels): ModelInput {
  const sample = finiteTensor(file, 'sample', unet.dtype, 'B,C,H,W');
  return {
    sample,
    timesteps: readShort(file, 'timestep', sample),
    ...(file.entries.has('class_labels') && { classLabels: readLabels(file, unet, sample) }),
  };
}

/** What a UNet2DConditionModel may be given besides, by the names of its arguments in diffusers, with their shapes. */
const conditions = {
  encoder_hidden_states: ['encoderHiddenStates', 'B,L,D'],
  encoder_attention_mask: ['encoderAttentionMask', 'B,L'],
  text_embeds: ['textEmbeds', 'B,P'],
  time_ids: ['timeIds', 'B,6'],
  timestep_cond: ['timestepCond', 'B,D'],
  image_embeds: ['imageEmbeds', 'B,D'],
} as const satisfies Readonly<Record<string, readonly [keyof Condition, string]>>;

/** What a text is called in files. */
export const inputNames = {
  encoderHiddenStates: 'encoder_hidden_states',
  textEmbeds: 'text_embeds',
} as const satisfies Readonly<Record<EmbeddingName, string>>;

/**
 * `readModelInput` for a UNet that is told of texts, with what the file has of `conditions`.
 * @throws InputError as that
 */
export function readConditionInput(file: SafetensorsFile, unet: UNetCondition): ModelInput {
  const found = Object.entries(conditions).flatMap(([name, [key, shape]]) =>
    file.entries.has(name) ? [[key, finiteTensor(file, name, unet.dtype, shape)] as const] : [],
  );
  return { ...readModelInput(file, unet), ...Object.fromEntries(found) };
}

/** `input_ids` [B,N], the token ids of texts. @throws InputError when they are missing, or no such numbers */
export function readTexts(file: SafetensorsFile): readonly (readonly number[])[] {
  const { shape, numbers } = readNumbers(file, 'input_ids');
  const [batch = 0, length = 0] = shape;
  if (shape.length !== 2)
    throw new InputError(`${file.source}: "input_ids" has shape ${shapeText(shape)}, expected [B,N]`);
  return Array.from({ length: batch }, (_, b) => numbers.slice(b * length, (b + 1) * length));
}

/** Embeddings for a model that takes them as they are, else one number per sample. */
function readLabels(input: SafetensorsFile, unet: ReadsLabels, sample: Tensor): readonly number[] | Tensor {
  return ['identity', 'projection', 'simple_projection'].includes(unet.config.classEmbedding)
    ? finiteTensor(input, 'class_labels', unet.dtype, 'B,D')
    : readShort(input, 'class_labels', sample);
}

/** One number, or one per sample. A tensor that is longer is not even decoded. */
function readShort(input: SafetensorsFile, name: string, sample: Tensor): readonly number[] {
  const entry = input.entries.get(name);
  const [batch = 0] = sample.shape;
  if (entry && sizeOf(entry.shape) > batch) {
    throw new InputError(
      `${input.source}: "${name}" has shape ${shapeText(entry.shape)}, but the batch is ${batch}; ` +
        'give one number, or one for each sample',
    );
  }
  return readNumbers(input, name).numbers;
}
