/**
 * The configuration of transformers' CLIPTextModel and CLIPTextModelWithProjection, every key of it that says something
 * of the model, checked. What the reference does not support is refused by name, never ignored.
 */
import type { Activation } from '../../kernels/kernels.ts';
import { checkParsed, configKeys, unknownKeys, type ConfigKeys, type Json, type ReadConfig } from '../config-keys.ts';

/** A text encoder, as its `config.json` describes it: transformers' keys in camel case, with what they mean here. */
export interface ClipTextConfig {
  /** The class in transformers. With a projection the pooled text is made an embedding, `text_embeds`. */
  readonly architecture: 'CLIPTextModel' | 'CLIPTextModelWithProjection';
  /** Rows of the table of tokens. */
  readonly vocabSize: number;
  /** Channels of a token. */
  readonly hiddenSize: number;
  /** Channels inside of a layer's network. */
  readonly intermediateSize: number;
  /** Numbers of the embedding. */
  readonly projectionDim: number;
  readonly numHiddenLayers: number;
  /** They divide `hiddenSize`. */
  readonly numAttentionHeads: number;
  /** How long a text may be, in tokens. */
  readonly maxPositionEmbeddings: number;
  readonly hiddenAct: Activation;
  /** What norms add to the variance. */
  readonly layerNormEps: number;
  /**
   * The token that ends a text, of which the first is where the pooled text is read. 2 is what old configs say,
   * wrongly: with it, as in transformers, the pooled text is read at the token of the highest number.
   */
  readonly eosTokenId: number;
}

const defaults: Json = {
  vocab_size: 49408,
  hidden_size: 512,
  intermediate_size: 2048,
  projection_dim: 512,
  num_hidden_layers: 12,
  num_attention_heads: 8,
  max_position_embeddings: 77,
  hidden_act: 'quick_gelu',
  layer_norm_eps: 1e-5,
  attention_dropout: 0,
  initializer_range: 0.02,
  initializer_factor: 1,
  pad_token_id: 1,
  bos_token_id: 49406,
  eos_token_id: 49407,
  // What every config of transformers may have, and what says nothing of how the model computes.
  architectures: null,
  model_type: 'clip_text_model',
  transformers_version: null,
  dtype: null,
  torch_dtype: null,
  dropout: 0,
  return_dict: true,
  output_hidden_states: false,
  output_attentions: false,
  use_cache: true,
  chunk_size_feed_forward: 0,
  is_encoder_decoder: false,
  id2label: null,
  label2id: null,
  problem_type: null,
  // No key of transformers: diffusers' pipelines look for it, and hide what fills a text up.
  use_attention_mask: false,
};

const architectures = ['CLIPTextModel', 'CLIPTextModelWithProjection'] as const;
const hiddenActs = ['quick_gelu', 'gelu', 'relu', 'silu'] as const satisfies readonly Activation[];

/**
 * Reads the parsed `config.json` of a text encoder. Missing keys take transformers' defaults; keys that begin with `_`
 * are notes, and keys that the class does not have do nothing.
 * @param source the file's name, for messages
 * @throws InputError naming the key, what was found, and what is supported
 */
export function parseClipTextConfig(json: Json, source = 'config.json'): ClipTextConfig {
  return readClipTextConfig(json, source).config;
}

/** parseClipTextConfig, with one line that names the keys that the class does not have, or none. @throws as that */
export function readClipTextConfig(json: Json, source = 'config.json'): ReadConfig<ClipTextConfig> {
  const keys = configKeys(json, 'CLIPTextModel', defaults, source);
  return { config: configOf(keys), warnings: unknownKeys(keys, 'CLIPTextModel', source, 'transformers') };
}

/**
 * Fails unless `parseClipTextConfig` has read the config.
 * @throws InputError naming the first key that is missing, or holds what it never holds
 */
export function checkConfig(config: ClipTextConfig): void {
  checkParsed(config, parseClipTextConfig({}), 'parseClipTextConfig');
}

function configOf(keys: ConfigKeys): ClipTextConfig {
  keys.choice('model_type', ['clip_text_model'] as const);
  const hiddenSize = keys.integer('hidden_size', 1);
  const numAttentionHeads = keys.integer('num_attention_heads', 1);
  if (hiddenSize % numAttentionHeads !== 0) {
    keys.fail(`num_attention_heads is ${numAttentionHeads}, which does not divide hidden_size = ${hiddenSize}`);
  }
  const layerNormEps = keys.finite('layer_norm_eps');
  if (layerNormEps < 0) keys.refuse('layer_norm_eps', 'a number that is not negative');
  if (keys.read('use_attention_mask') === true) keys.refuse('use_attention_mask', 'false: texts are read filled up');
  return {
    architecture: architectureOf(keys),
    vocabSize: large(keys, 'vocab_size'),
    hiddenSize,
    intermediateSize: keys.integer('intermediate_size', 1),
    projectionDim: keys.integer('projection_dim', 1),
    numHiddenLayers: keys.integer('num_hidden_layers', 1),
    numAttentionHeads,
    maxPositionEmbeddings: keys.integer('max_position_embeddings', 1),
    hiddenAct: keys.choice('hidden_act', hiddenActs),
    layerNormEps,
    eosTokenId: large(keys, 'eos_token_id'),
  };
}

/** `architectures` names the class that the file was saved by. */
function architectureOf(keys: ConfigKeys): ClipTextConfig['architecture'] {
  if (keys.read('architectures') === null) return 'CLIPTextModel';
  const [first] = keys.list('architectures');
  const expected = `a list of one of ${architectures.join(', ')}`;
  return architectures.find((known) => known === first) ?? keys.refuse('architectures', expected);
}

/** Vocabularies may be larger than other extents are. */
function large(keys: ConfigKeys, key: string): number {
  const value = keys.read(key);
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= largestVocabulary;
  return fits ? value : keys.refuse(key, `a whole number from 0 to ${largestVocabulary}`);
}

const largestVocabulary = 1_000_000;
