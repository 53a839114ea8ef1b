/**
 * The configuration of diffusers' UNet2DModel, every key of it, checked. What the reference does not support is refused
 * by name, never ignored.
 */
import type { Activation } from '../../kernels/kernels.ts';
import { checkParsed, configKeys, unknownKeys, type ConfigKeys, type Json, type ReadConfig } from '../config-keys.ts';
import {
  activationOf,
  blockTypesOf,
  divisorOf,
  downsamplePaddingOf,
  expectAsMany,
  normEpsOf,
  normGroupsOf,
  sampleSizeOf,
} from '../unet-keys.ts';

/** The blocks of the way down that are supported. */
export const downBlockTypes = [
  'DownBlock2D',
  'AttnDownBlock2D',
  'ResnetDownsampleBlock2D',
  'SkipDownBlock2D',
  'AttnSkipDownBlock2D',
] as const;
/** The blocks of the way up that are supported. */
export const upBlockTypes = [
  'UpBlock2D',
  'AttnUpBlock2D',
  'ResnetUpsampleBlock2D',
  'SkipUpBlock2D',
  'AttnSkipUpBlock2D',
] as const;
/** A block of the way down: ResNet blocks, with attention or not, and halving by a convolution or a ResNet block. */
export type DownBlockType = (typeof downBlockTypes)[number];
/** A block of the way up: ResNet blocks on the skips, with attention or not, and doubling. */
export type UpBlockType = (typeof upBlockTypes)[number];

/**
 * Whether a block is one of score_sde's (arXiv 2011.13456), which looks at the sample itself on the way down, and draws
 * beside what flows on the way up.
 */
export function isSkipBlock(type: DownBlockType | UpBlockType): boolean {
  return type.includes('Skip');
}

/** Whether a block has attention. */
export function attends(type: DownBlockType | UpBlockType | undefined): boolean {
  return type?.startsWith('Attn') ?? false;
}

/** Groups of a norm in a skip block: a quarter of the channels, at most 32. */
export function skipGroups(channels: number): number {
  return Math.min(Math.floor(channels / 4), 32);
}

/** Groups of the norm of every attention in a skip block. */
export const skipAttentionGroups = 32;

/** A UNet2DModel, as its `config.json` describes it: diffusers' keys in camel case, with what they mean here. */
export interface UNetConfig {
  /** Height and width; undefined when the config leaves them open. */
  readonly sampleSize: readonly [number, number] | undefined;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Whether the sample, in [0, 1], is first made 2x − 1. */
  readonly centerInputSample: boolean;
  /** How a timestep becomes a vector: by a sinusoid, by random Fourier features of its logarithm, or by a table. */
  readonly timeEmbeddingType: 'positional' | 'fourier' | 'learned';
  /** Channels of the embedded time; four times the first block's unless the config says otherwise. */
  readonly timeEmbeddingDim: number;
  /** The shift of the sinusoid's frequencies: 1 in DDPM. */
  readonly freqShift: number;
  /** Whether the sinusoid's cosines come first. */
  readonly flipSinToCos: boolean;
  /** From the first block, at full size, to the deepest. */
  readonly downBlockTypes: readonly DownBlockType[];
  readonly hasMidBlock: boolean;
  /** From the deepest block to the last one, at full size. */
  readonly upBlockTypes: readonly UpBlockType[];
  /** Channels of each block, from the first to the deepest. */
  readonly blockOutChannels: readonly [number, ...number[]];
  /** ResNet blocks of a block of the way down; the way up has one more in each. */
  readonly layersPerBlock: number;
  /** What the middle's ResNet blocks and its attention divide their sums by. */
  readonly midBlockScaleFactor: number;
  /** In pixels: 0 (a border below and at the right only) or 1. */
  readonly downsamplePadding: number;
  /** How blocks with attention halve. */
  readonly downsampleType: 'conv' | 'resnet';
  /** How blocks with attention double. */
  readonly upsampleType: 'conv' | 'resnet';
  readonly activation: Activation;
  /** Channels of a head; undefined: one head over all channels. */
  readonly attentionHeadDim: number | undefined;
  /** Groups of every norm but the middle attention's; they divide all `blockOutChannels`. */
  readonly normNumGroups: number;
  /** Groups of the middle attention's norm; undefined: no norm there. */
  readonly midAttentionGroups: number | undefined;
  /** What norms add to the variance. */
  readonly normEps: number;
  /** How time enters a ResNet block: added before its second norm, or as scale and shift after it. */
  readonly timeScaleShift: 'default' | 'scale_shift';
  /** Whether the middle has attention. */
  readonly addAttention: boolean;
  /**
   * How a class becomes a vector: by a table (`lookup`, diffusers' class_embed_type null with num_class_embeds), as a
   * timestep does, or not at all, for it is one already (`identity`); `none` for a model that knows no classes.
   */
  readonly classEmbedding: 'none' | 'lookup' | 'timestep' | 'identity';
  /** Rows of the table of classes. */
  readonly numClassEmbeds: number | undefined;
  /** Rows of the table of timesteps, for a learned time embedding. */
  readonly numTrainTimesteps: number | undefined;
}

/** Every key of the class in diffusers, and what it is where a config leaves it out. */
export const unetDefaults: Json = {
  sample_size: null,
  in_channels: 3,
  out_channels: 3,
  center_input_sample: false,
  time_embedding_type: 'positional',
  time_embedding_dim: null,
  freq_shift: 0,
  flip_sin_to_cos: true,
  down_block_types: ['DownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D'],
  mid_block_type: 'UNetMidBlock2D',
  up_block_types: ['AttnUpBlock2D', 'AttnUpBlock2D', 'AttnUpBlock2D', 'UpBlock2D'],
  block_out_channels: [224, 448, 672, 896],
  layers_per_block: 2,
  mid_block_scale_factor: 1,
  downsample_padding: 1,
  downsample_type: 'conv',
  upsample_type: 'conv',
  dropout: 0,
  act_fn: 'silu',
  attention_head_dim: 8,
  norm_num_groups: 32,
  attn_norm_num_groups: null,
  norm_eps: 1e-5,
  resnet_time_scale_shift: 'default',
  add_attention: true,
  class_embed_type: null,
  num_class_embeds: null,
  num_train_timesteps: null,
};

/**
 * Reads the parsed `config.json` of a UNet2DModel. Missing keys take diffusers' defaults; keys that begin with `_` are
 * notes, and keys that the class does not have do nothing.
 * @param source the file's name, for messages
 * @throws InputError naming the key, what was found, and what is supported
 */
export function parseUNetConfig(json: Json, source = 'config.json'): UNetConfig {
  return readUNetConfig(json, source).config;
}

/** parseUNetConfig, with one line that names the keys that the class does not have, or none. @throws as that */
export function readUNetConfig(json: Json, source = 'config.json'): ReadConfig<UNetConfig> {
  const keys = configKeys(json, 'UNet2DModel', unetDefaults, source);
  return { config: configOf(keys), warnings: unknownKeys(keys, 'UNet2DModel', source) };
}

function configOf(keys: ConfigKeys): UNetConfig {
  const blocks = blocksOf(keys);
  const embedding = embeddingOf(keys, blocks.blockOutChannels[0]);
  const layers = layersOf(keys);
  const attention = attentionOf(keys, blocks, layers);
  keys.finite('dropout'); // does nothing when a trained model draws
  return {
    sampleSize: sampleSizeOf(keys),
    inChannels: keys.integer('in_channels', 1),
    outChannels: keys.integer('out_channels', 1),
    centerInputSample: keys.flag('center_input_sample'),
    ...embedding,
    ...blocks,
    ...layers,
    ...attention,
  };
}

/**
 * Fails unless `parseUNetConfig` has read the config.
 * @throws InputError naming the first key that is missing, or holds what it never holds
 */
export function checkConfig(config: UNetConfig): void {
  checkParsed(config, parseUNetConfig({}), 'parseUNetConfig');
}

type Blocks = Pick<
  UNetConfig,
  'downBlockTypes' | 'hasMidBlock' | 'upBlockTypes' | 'blockOutChannels' | 'layersPerBlock' | 'normNumGroups'
>;

function blocksOf(keys: ConfigKeys): Blocks {
  const down = blockTypesOf(keys, 'down_block_types', downBlockTypes);
  const up = blockTypesOf(keys, 'up_block_types', upBlockTypes);
  const blockOutChannels = keys.integers('block_out_channels');
  expectAsMany(keys, down.length, up.length, blockOutChannels.length);
  const normNumGroups = normGroupsOf(keys, blockOutChannels);
  checkSkipBlocks(keys, down, up);
  const layersPerBlock = keys.integer('layers_per_block', 1);
  if (layersPerBlock > 64) keys.refuse('layers_per_block', 'a whole number from 1 to 64');
  return {
    downBlockTypes: down,
    hasMidBlock: keys.read('mid_block_type') !== null && keys.choice('mid_block_type', ['UNetMidBlock2D']).length > 0,
    upBlockTypes: up,
    blockOutChannels,
    layersPerBlock,
    normNumGroups,
  };
}

/**
 * Fails where skip blocks do not fit together: those that halve take a picture of three channels, those that double
 * give one, each half or twice as large as the one before.
 */
function checkSkipBlocks(keys: ConfigKeys, down: readonly DownBlockType[], up: readonly UpBlockType[]): void {
  const [halving, doubling] = [down.slice(0, -1), up.slice(0, -1)];
  const [last, first] = [halving.map(isSkipBlock).lastIndexOf(true), doubling.findIndex(isSkipBlock)];
  const before = halving.slice(0, Math.max(last, 0)).find((type) => !isSkipBlock(type));
  if (before !== undefined)
    keys.fail(`down_block_types has ${before} before ${halving[last]}, which needs a sample that all have halved`);
  const after = first < 0 ? undefined : up.slice(first).find((type) => !isSkipBlock(type));
  if (after !== undefined)
    keys.fail(`up_block_types has ${after} after ${up[first]}, whose picture it would not double`);
  if (last >= 0 && keys.integer('in_channels', 1) !== 3) keys.refuse('in_channels', `3 with ${halving[last]}`);
  if (first >= 0 && keys.integer('out_channels', 1) !== 3) keys.refuse('out_channels', `3 with ${doubling[first]}`);
}

type Embedding = Pick<
  UNetConfig,
  | 'timeEmbeddingType'
  | 'timeEmbeddingDim'
  | 'freqShift'
  | 'flipSinToCos'
  | 'classEmbedding'
  | 'numClassEmbeds'
  | 'numTrainTimesteps'
>;

function embeddingOf(keys: ConfigKeys, firstChannels: number): Embedding {
  const timeEmbeddingType = keys.choice('time_embedding_type', ['positional', 'fourier', 'learned'] as const);
  const numTrainTimesteps = keys.optionalInteger('num_train_timesteps');
  if (timeEmbeddingType === 'learned' && numTrainTimesteps === undefined) {
    keys.fail('time_embedding_type is "learned", which needs num_train_timesteps');
  }
  const isNull = keys.read('class_embed_type') === null;
  const classType = isNull ? null : keys.choice('class_embed_type', ['timestep', 'identity'] as const);
  const numClassEmbeds = keys.optionalInteger('num_class_embeds');
  return {
    timeEmbeddingType,
    timeEmbeddingDim: keys.optionalInteger('time_embedding_dim') ?? firstChannels * 4,
    freqShift: timeEmbeddingType !== 'positional' && keys.read('freq_shift') === null ? 0 : keys.finite('freq_shift'),
    flipSinToCos: keys.flag('flip_sin_to_cos'),
    classEmbedding: classType ?? (numClassEmbeds === undefined ? 'none' : 'lookup'),
    numClassEmbeds,
    numTrainTimesteps,
  };
}

type Layers = Pick<
  UNetConfig,
  | 'midBlockScaleFactor'
  | 'downsamplePadding'
  | 'downsampleType'
  | 'upsampleType'
  | 'activation'
  | 'normEps'
  | 'timeScaleShift'
>;

function layersOf(keys: ConfigKeys): Layers {
  const isUnused = keys.read('mid_block_type') === null && keys.read('mid_block_scale_factor') === null;
  return {
    midBlockScaleFactor: isUnused ? 1 : divisorOf(keys, 'mid_block_scale_factor'),
    downsamplePadding: downsamplePaddingOf(keys),
    downsampleType: keys.choice('downsample_type', ['conv', 'resnet'] as const, 'conv'),
    upsampleType: keys.choice('upsample_type', ['conv', 'resnet'] as const, 'conv'),
    activation: activationOf(keys, 'act_fn'),
    normEps: normEpsOf(keys),
    timeScaleShift: keys.choice('resnet_time_scale_shift', ['default', 'scale_shift'] as const),
  };
}

type Attention = Pick<UNetConfig, 'attentionHeadDim' | 'midAttentionGroups' | 'addAttention'>;

function attentionOf(keys: ConfigKeys, blocks: Blocks, { timeScaleShift }: Layers): Attention {
  const { blockOutChannels, downBlockTypes: down, upBlockTypes: up, hasMidBlock, normNumGroups } = blocks;
  const middle = blockOutChannels.at(-1) ?? blockOutChannels[0];
  const addAttention = keys.flag('add_attention');
  const attentionHeadDim = keys.optionalInteger('attention_head_dim');
  const attending = [
    ...blockOutChannels.filter((_, i) => attends(down[i]) || attends(up[up.length - 1 - i])),
    ...(hasMidBlock && addAttention ? [middle] : []),
  ];
  const tooSmall = attending.find((channels) => attentionHeadDim !== undefined && attentionHeadDim > channels);
  if (tooSmall !== undefined) {
    keys.fail(
      `attention_head_dim is ${attentionHeadDim}, more than the ${tooSmall} channels of a block with attention`,
    );
  }
  const middleGroups = keys.optionalInteger('attn_norm_num_groups');
  if (middleGroups !== undefined && addAttention && middle % middleGroups !== 0) {
    keys.fail(
      `attn_norm_num_groups is ${middleGroups}, which does not divide the ${middle} channels of the middle block`,
    );
  }
  return {
    attentionHeadDim,
    midAttentionGroups: middleGroups ?? (timeScaleShift === 'default' ? normNumGroups : undefined),
    addAttention,
  };
}
