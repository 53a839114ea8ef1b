/** The keys that say how time, class, text and pictures become what the blocks are told. */
import type { Activation } from '../../kernels/kernels.ts';
import type { ConfigKeys } from '../config-keys.ts';

/** What UNet2DConditionModel is told besides the sample, and how it embeds that. */
export interface EmbeddingConfig {
  /** How a timestep becomes a vector: by a sinusoid, or by random Fourier features (of the timestep itself). */
  readonly timeEmbeddingType: 'positional' | 'fourier';
  /** Channels of the embedded time. */
  readonly timeEmbeddingDim: number;
  /** The shift of the sinusoid's frequencies. */
  readonly freqShift: number;
  /** Whether the cosines come first. */
  readonly flipSinToCos: boolean;
  /** Numbers of the guidance embedding of a distilled model (LCM), where it takes one. */
  readonly timeCondProjDim: number | undefined;
  /** An activation of the embedded time itself. */
  readonly timestepPostActivation: Activation | undefined;
  /** An activation of all that is embedded, once, before the blocks. */
  readonly timeEmbeddingActivation: Activation | undefined;
  /**
   * How a class becomes a vector: by a table (`lookup`, diffusers' class_embed_type null with num_class_embeds), as a
   * timestep does, by two layers (`projection`) or one (`simple_projection`), or not at all, for it is one already
   * (`identity`); `none` for a model that knows no classes.
   */
  readonly classEmbedding: 'none' | 'lookup' | 'timestep' | 'identity' | 'projection' | 'simple_projection';
  /** Rows of the table of classes. */
  readonly numClassEmbeds: number | undefined;
  /** Whether the embedded class is put beside the embedded time, not added to it. */
  readonly classEmbeddingsConcat: boolean;
  /** Numbers of a class to be projected; of pooled text and time ids together, with `text_time`. */
  readonly projectionClassEmbeddingsInputDim: number | undefined;
  /** What else is added to the embedded time: SDXL's pooled text and time ids, IF's pooled tokens, or a picture. */
  readonly additionEmbedType: 'text' | 'text_time' | 'image' | 'text_image' | undefined;
  /** Numbers that each time id becomes. */
  readonly additionTimeEmbedDim: number | undefined;
  /** Heads of the attention that pools tokens. */
  readonly additionEmbedTypeNumHeads: number;
  /** Channels of the tokens that cross-attention asks. */
  readonly crossAttentionDim: number;
  /** Channels of the tokens, or the picture's embedding, that the model is given, where it projects them first. */
  readonly encoderHidDim: number | undefined;
  /** How it projects them. */
  readonly encoderHidDimType: 'text_proj' | 'image_proj' | 'text_image_proj' | undefined;
}

/** The keys above but for the activations. */
type Read = Omit<EmbeddingConfig, 'timestepPostActivation' | 'timeEmbeddingActivation'>;

/**
 * Reads them.
 * @param firstChannels those of the first block
 * @throws InputError naming the key
 */
export function embeddingsOf(keys: ConfigKeys, firstChannels: number): Read {
  const crossAttentionDim = crossAttentionDimOf(keys);
  const encoder = encoderOf(keys);
  return {
    ...timeOf(keys, firstChannels),
    ...classOf(keys),
    ...additionOf(keys, encoder.encoderHidDim ?? crossAttentionDim),
    ...encoder,
    crossAttentionDim,
  };
}

type Time = Pick<
  EmbeddingConfig,
  'timeEmbeddingType' | 'timeEmbeddingDim' | 'freqShift' | 'flipSinToCos' | 'timeCondProjDim'
>;

function timeOf(keys: ConfigKeys, firstChannels: number): Time {
  const timeEmbeddingType = keys.choice('time_embedding_type', ['positional', 'fourier'] as const);
  const isFourier = timeEmbeddingType === 'fourier';
  const timeEmbeddingDim = keys.optionalInteger('time_embedding_dim') ?? firstChannels * (isFourier ? 2 : 4);
  if (isFourier && timeEmbeddingDim % 2 !== 0) {
    keys.fail(`time_embedding_dim is ${timeEmbeddingDim}; with time_embedding_type "fourier" it must be even`);
  }
  return {
    timeEmbeddingType,
    timeEmbeddingDim,
    freqShift: keys.finite('freq_shift'),
    flipSinToCos: keys.flag('flip_sin_to_cos'),
    timeCondProjDim: keys.optionalInteger('time_cond_proj_dim'),
  };
}

type Class = Pick<
  EmbeddingConfig,
  'classEmbedding' | 'numClassEmbeds' | 'classEmbeddingsConcat' | 'projectionClassEmbeddingsInputDim'
>;

const classTypes = ['timestep', 'identity', 'projection', 'simple_projection'] as const;

function classOf(keys: ConfigKeys): Class {
  const classType = keys.read('class_embed_type') === null ? null : keys.choice('class_embed_type', classTypes);
  const numClassEmbeds = keys.optionalInteger('num_class_embeds');
  const projectionClassEmbeddingsInputDim = keys.optionalInteger('projection_class_embeddings_input_dim');
  if (classType?.endsWith('projection') && projectionClassEmbeddingsInputDim === undefined) {
    keys.fail(`class_embed_type is "${classType}", which needs projection_class_embeddings_input_dim`);
  }
  const classEmbedding = classType ?? (numClassEmbeds === undefined ? 'none' : 'lookup');
  const classEmbeddingsConcat = keys.flag('class_embeddings_concat');
  if (classEmbeddingsConcat && classEmbedding === 'none') {
    keys.fail('class_embeddings_concat is true, but the model has no classes');
  }
  return { classEmbedding, numClassEmbeds, classEmbeddingsConcat, projectionClassEmbeddingsInputDim };
}

type Addition = Pick<EmbeddingConfig, 'additionEmbedType' | 'additionTimeEmbedDim' | 'additionEmbedTypeNumHeads'>;

const additionTypes = ['text', 'text_time', 'image', 'text_image'] as const;

/** @param textSize channels of the tokens that the model is given */
function additionOf(keys: ConfigKeys, textSize: number): Addition {
  const isNull = keys.read('addition_embed_type') === null;
  const additionEmbedType = isNull ? undefined : keys.choice('addition_embed_type', additionTypes);
  const additionTimeEmbedDim = keys.optionalInteger('addition_time_embed_dim');
  const additionEmbedTypeNumHeads = keys.integer('addition_embed_type_num_heads', 1);
  if (additionEmbedType === 'text_time') {
    for (const key of ['addition_time_embed_dim', 'projection_class_embeddings_input_dim']) {
      if (keys.read(key) === null) keys.fail(`addition_embed_type is "text_time", which needs ${key}`);
    }
  }
  if (additionEmbedType === 'image' && keys.read('encoder_hid_dim') === null) {
    keys.fail('addition_embed_type is "image", which needs encoder_hid_dim');
  }
  if (additionEmbedType === 'text' && textSize % additionEmbedTypeNumHeads !== 0) {
    keys.fail(
      `addition_embed_type_num_heads is ${additionEmbedTypeNumHeads}, which does not divide ${textSize} channels`,
    );
  }
  if (additionEmbedType !== undefined && keys.flag('class_embeddings_concat')) {
    keys.fail('class_embeddings_concat is true, so that nothing can be added; addition_embed_type must be null');
  }
  return { additionEmbedType, additionTimeEmbedDim, additionEmbedTypeNumHeads };
}

type Encoder = Pick<EmbeddingConfig, 'encoderHidDim' | 'encoderHidDimType'>;

const encoderTypes = ['text_proj', 'image_proj', 'text_image_proj'] as const;

function encoderOf(keys: ConfigKeys): Encoder {
  const encoderHidDim = keys.optionalInteger('encoder_hid_dim');
  const isNull = keys.read('encoder_hid_dim_type') === null;
  const type = isNull ? undefined : keys.choice('encoder_hid_dim_type', encoderTypes);
  if (type !== undefined && encoderHidDim === undefined) {
    keys.fail(`encoder_hid_dim_type is "${type}", which needs encoder_hid_dim`);
  }
  return { encoderHidDim, encoderHidDimType: type ?? (encoderHidDim === undefined ? undefined : 'text_proj') };
}

/** All blocks ask the same tokens, so a list must have one number in all places. */
function crossAttentionDimOf(keys: ConfigKeys): number {
  const value = keys.read('cross_attention_dim');
  if (!Array.isArray(value)) return keys.integer('cross_attention_dim', 1);
  const [first, ...others] = keys.integers('cross_attention_dim');
  return others.every((size) => size === first)
    ? first
    : keys.refuse('cross_attention_dim', 'a whole number, or a list of the same one');
}
