/**
 * The configuration of diffusers' UNet2DConditionModel, every key of it, checked. What the reference does not support
 * is refused by name, never ignored.
 */
import type { Activation } from '../../kernels/kernels.ts';
import { at } from '../../tensor/at.ts';
import { checkParsed, configKeys, unknownKeys, type ConfigKeys, type Json, type ReadConfig } from '../config-keys.ts';
import {
  activationOf,
  blockTypesOf,
  divisorOf,
  downsamplePaddingOf,
  expectAsMany,
  normEpsOf,
  normGroupsOf,
  optionalActivation,
  sampleSizeOf,
} from '../unet-keys.ts';
import { defaults } from './defaults.ts';
import { embeddingsOf, type EmbeddingConfig } from './embedding-config.ts';
import { eachBlock, transformerLayersOf, type TransformerLayers } from './per-block.ts';

/** Groups of the norm of the text in Simple blocks, which diffusers does not read from the config. */
export const textGroups = 32;

/** The blocks of the way down that are supported. */
export const conditionDownBlockTypes = [
  'CrossAttnDownBlock2D',
  'DownBlock2D',
  'ResnetDownsampleBlock2D',
  'SimpleCrossAttnDownBlock2D',
] as const;
/** The blocks of the middle that are supported; null for none. */
export const conditionMidBlockTypes = [
  'UNetMidBlock2DCrossAttn',
  'UNetMidBlock2D',
  'UNetMidBlock2DSimpleCrossAttn',
] as const;
/** The blocks of the way up that are supported. */
export const conditionUpBlockTypes = [
  'UpBlock2D',
  'CrossAttnUpBlock2D',
  'ResnetUpsampleBlock2D',
  'SimpleCrossAttnUpBlock2D',
] as const;
/**
 * A block of the way down: ResNet blocks, with transformers, with attention to text and pixels at once, or with none.
 */
export type ConditionDownBlockType = (typeof conditionDownBlockTypes)[number];
/** The middle, with a transformer, with attention to text and pixels at once, or a single ResNet block. */
export type ConditionMidBlockType = (typeof conditionMidBlockTypes)[number];
/** A block of the way up: as those of the way down, on the skips. */
export type ConditionUpBlockType = (typeof conditionUpBlockTypes)[number];

/**
 * A UNet2DConditionModel, as its `config.json` describes it: diffusers' keys in camel case, with what they mean here.
 * What the file may say once for all blocks stands here for each, from the first block, at full size, to the deepest.
 */
export interface UNetConditionConfig extends EmbeddingConfig {
  /** Height and width; undefined when the config leaves them open. */
  readonly sampleSize: readonly [number, number] | undefined;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Whether the sample, in [0, 1], is first made 2x − 1. */
  readonly centerInputSample: boolean;
  /** Sides of the kernels of the first and the last convolution: odd. */
  readonly convInKernel: number;
  readonly convOutKernel: number;
  readonly downBlockTypes: readonly ConditionDownBlockType[];
  /** Undefined for a model without a middle. */
  readonly midBlockType: ConditionMidBlockType | undefined;
  /** From the deepest block to the last one, at full size. */
  readonly upBlockTypes: readonly ConditionUpBlockType[];
  readonly blockOutChannels: readonly [number, ...number[]];
  /** ResNet blocks of each block of the way down; the way up has one more. */
  readonly layersPerBlock: readonly number[];
  /** How many transformer blocks each Transformer2DModel has. */
  readonly transformerLayers: TransformerLayers;
  /**
   * `attention_head_dim`, which in blocks with transformers is the *number* of heads, whatever its name says; in the
   * Simple blocks it is the size of one.
   */
  readonly attentionHeadDim: readonly number[];
  /** Whether the first attention of a transformer block, too, asks the text; there is then no self-attention. */
  readonly onlyCrossAttention: readonly boolean[];
  /** The same for the middle of the Simple kind. */
  readonly midOnlyCrossAttention: boolean;
  /** The norm of the text in Simple blocks. */
  readonly crossAttentionNorm: 'group_norm' | undefined;
  /** Whether a transformer's projections in and out are linear layers, not convolutions of single pixels. */
  readonly useLinearProjection: boolean;
  /** What the middle's ResNet blocks divide their sums by. */
  readonly midBlockScaleFactor: number;
  /** In pixels: 0 (a border below and at the right only) or 1. */
  readonly downsamplePadding: number;
  readonly activation: Activation;
  /** Groups of every norm of a picture; they divide all `blockOutChannels`. */
  readonly normNumGroups: number;
  /** What norms of ResNet blocks add to the variance. */
  readonly normEps: number;
  /** How time enters a ResNet block: added before its second norm, or as scale and shift after it. */
  readonly timeScaleShift: 'default' | 'scale_shift';
  /** Of ResNet blocks in Resnet… and Simple… blocks: whether the time comes to them activated. */
  readonly resnetSkipTimeAct: boolean;
  /** Of the same: what they divide their sums by. */
  readonly resnetOutScaleFactor: number;
}

/**
 * Reads the parsed `config.json` of a UNet2DConditionModel. Missing keys take diffusers' defaults; keys that begin with
 * `_` are notes, and keys that the class does not have do nothing.
 * @param source the file's name, for messages
 * @throws InputError naming the key, what was found, and what is supported
 */
export function parseUNetConditionConfig(json: Json, source = 'config.json'): UNetConditionConfig {
  return readUNetConditionConfig(json, source).config;
}

/**
 * parseUNetConditionConfig, with one line that names the keys that the class does not have, or none. @throws as that
 */
export function readUNetConditionConfig(json: Json, source = 'config.json'): ReadConfig<UNetConditionConfig> {
  const keys = configKeys(json, 'UNet2DConditionModel', defaults, source);
  return { config: configOf(keys), warnings: unknownKeys(keys, 'UNet2DConditionModel', source) };
}

/**
 * Fails unless `parseUNetConditionConfig` has read the config.
 * @throws InputError naming the first key that is missing, or holds what it never holds
 */
export function checkConfig(config: UNetConditionConfig): void {
  checkParsed(config, parseUNetConditionConfig({}), 'parseUNetConditionConfig');
}

function configOf(keys: ConfigKeys): UNetConditionConfig {
  const blocks = blocksOf(keys);
  keys.finite('dropout'); // does nothing when a trained model draws
  keys.flag('upcast_attention'); // does nothing under scaled_dot_product_attention
  refuseOthers(keys);
  const embeddings = embeddingsOf(keys, blocks.blockOutChannels[0]);
  const attention = attentionOf(keys, blocks);
  if (attention.crossAttentionNorm && embeddings.crossAttentionDim % textGroups !== 0) {
    keys.fail(`cross_attention_norm is "group_norm", whose ${textGroups} groups do not divide cross_attention_dim`);
  }
  return {
    sampleSize: sampleSizeOf(keys),
    inChannels: keys.integer('in_channels', 1),
    outChannels: keys.integer('out_channels', 1),
    centerInputSample: keys.flag('center_input_sample'),
    convInKernel: oddKernel(keys, 'conv_in_kernel'),
    convOutKernel: oddKernel(keys, 'conv_out_kernel'),
    ...blocks,
    ...embeddings,
    ...attention,
    ...resnetsOf(keys),
  };
}

/** Keys whose only supported value is the default. */
function refuseOthers(keys: ConfigKeys): void {
  if (keys.read('num_attention_heads') !== null) {
    keys.refuse('num_attention_heads', 'null; diffusers, too, takes the number of heads from attention_head_dim');
  }
  if (keys.flag('dual_cross_attention')) keys.refuse('dual_cross_attention', 'false');
  keys.choice('attention_type', ['default'] as const);
}

function oddKernel(keys: ConfigKeys, key: string): number {
  const size = keys.integer(key, 1);
  return size % 2 === 1 ? size : keys.refuse(key, 'an odd number, with which the picture keeps its size');
}

type Blocks = Pick<
  UNetConditionConfig,
  'downBlockTypes' | 'midBlockType' | 'upBlockTypes' | 'blockOutChannels' | 'layersPerBlock' | 'normNumGroups'
>;

function blocksOf(keys: ConfigKeys): Blocks {
  const downBlockTypes = blockTypesOf(keys, 'down_block_types', conditionDownBlockTypes);
  const upBlockTypes = blockTypesOf(keys, 'up_block_types', conditionUpBlockTypes);
  const blockOutChannels = keys.integers('block_out_channels');
  expectAsMany(keys, downBlockTypes.length, upBlockTypes.length, blockOutChannels.length);
  const midBlockType =
    keys.read('mid_block_type') === null ? undefined : keys.choice('mid_block_type', conditionMidBlockTypes);
  const normNumGroups = normGroupsOf(keys, blockOutChannels);
  const layersPerBlock = eachBlock(keys, 'layers_per_block', blockOutChannels.length, 1);
  if (layersPerBlock.some((layers) => layers > 64)) keys.refuse('layers_per_block', 'whole numbers from 1 to 64');
  return { downBlockTypes, midBlockType, upBlockTypes, blockOutChannels, layersPerBlock, normNumGroups };
}

type Attention = Pick<
  UNetConditionConfig,
  | 'transformerLayers'
  | 'attentionHeadDim'
  | 'onlyCrossAttention'
  | 'midOnlyCrossAttention'
  | 'crossAttentionNorm'
  | 'useLinearProjection'
>;

function attentionOf(keys: ConfigKeys, blocks: Blocks): Attention {
  const { blockOutChannels, layersPerBlock } = blocks;
  const count = blockOutChannels.length;
  const attentionHeadDim = eachBlock(keys, 'attention_head_dim', count, 1);
  for (const [i, channels] of blockOutChannels.entries()) {
    if (!attends(blocks, i) || channels % at(attentionHeadDim, i) === 0) continue;
    keys.fail(
      `attention_head_dim is ${JSON.stringify(keys.read('attention_head_dim'))}, ` +
        `which does not divide the ${channels} channels of block ${i}`,
    );
  }
  const only = keys.read('only_cross_attention');
  const onlyOfMiddle = keys.read('mid_block_only_cross_attention');
  const norm = keys.read('cross_attention_norm');
  return {
    transformerLayers: transformerLayersOf(keys, layersPerBlock),
    attentionHeadDim,
    onlyCrossAttention: flagsOf(keys, only, count),
    midOnlyCrossAttention: onlyOfMiddle === null ? only === true : keys.flag('mid_block_only_cross_attention'),
    // With "layer_norm" diffusers norms the text as if it had the channels of the picture, and fails.
    crossAttentionNorm: norm === null ? undefined : keys.choice('cross_attention_norm', ['group_norm'] as const),
    useLinearProjection: keys.flag('use_linear_projection'),
  };
}

/** Whether block i of either way, or the middle if i is the deepest, has attention. */
function attends({ downBlockTypes: down, midBlockType, upBlockTypes: up }: Blocks, i: number): boolean {
  const deepest = down.length - 1;
  const ofMiddle = i === deepest && midBlockType !== undefined && midBlockType !== 'UNetMidBlock2D';
  return ofMiddle || [down[i], up[deepest - i]].some((type) => type?.includes('CrossAttn'));
}

function flagsOf(keys: ConfigKeys, value: unknown, count: number): readonly boolean[] {
  if (typeof value === 'boolean') return Array.from({ length: count }, () => value);
  const flags = Array.isArray(value) ? (value as readonly unknown[]) : [];
  const fits = flags.length === count && flags.every((flag) => typeof flag === 'boolean');
  return fits
    ? (flags as readonly boolean[])
    : keys.refuse('only_cross_attention', `true, false, or ${count} of these`);
}

type Resnets = Pick<
  UNetConditionConfig,
  | 'midBlockScaleFactor'
  | 'downsamplePadding'
  | 'activation'
  | 'normEps'
  | 'timeScaleShift'
  | 'resnetSkipTimeAct'
  | 'resnetOutScaleFactor'
  | 'timeEmbeddingActivation'
  | 'timestepPostActivation'
>;

function resnetsOf(keys: ConfigKeys): Resnets {
  return {
    midBlockScaleFactor: divisorOf(keys, 'mid_block_scale_factor'),
    downsamplePadding: downsamplePaddingOf(keys),
    activation: activationOf(keys, 'act_fn'),
    normEps: normEpsOf(keys),
    timeScaleShift: keys.choice('resnet_time_scale_shift', ['default', 'scale_shift'] as const),
    resnetSkipTimeAct: keys.flag('resnet_skip_time_act'),
    resnetOutScaleFactor: divisorOf(keys, 'resnet_out_scale_factor'),
    timeEmbeddingActivation: optionalActivation(keys, 'time_embedding_act_fn'),
    timestepPostActivation: optionalActivation(keys, 'timestep_post_act'),
  };
}
