/**
 * The configuration of diffusers' UNet2DModel, every key of it, checked. What the reference does not support is refused
 * by name, never ignored.
 */
import { InputError } from '../../tensor/errors.ts';
import type { Activation } from '../../kernels/kernels.ts';

export const downBlockTypes = ['DownBlock2D', 'AttnDownBlock2D', 'ResnetDownsampleBlock2D'] as const;
export const upBlockTypes = ['UpBlock2D', 'AttnUpBlock2D', 'ResnetUpsampleBlock2D'] as const;
export type DownBlockType = (typeof downBlockTypes)[number];
export type UpBlockType = (typeof upBlockTypes)[number];

export interface UNetConfig {
  /** Height and width; undefined when the config leaves them open. */
  readonly sampleSize: readonly [number, number] | undefined;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly centerInputSample: boolean;
  readonly timeEmbeddingType: 'positional' | 'fourier' | 'learned';
  readonly timeEmbeddingDim: number;
  readonly freqShift: number;
  readonly flipSinToCos: boolean;
  readonly downBlockTypes: readonly DownBlockType[];
  readonly hasMidBlock: boolean;
  readonly upBlockTypes: readonly UpBlockType[];
  readonly blockOutChannels: readonly number[];
  readonly layersPerBlock: number;
  readonly midBlockScaleFactor: number;
  readonly downsamplePadding: number;
  readonly downsampleType: 'conv' | 'resnet';
  readonly upsampleType: 'conv' | 'resnet';
  readonly activation: Activation;
  /** Channels of a head; undefined: one head over all channels. */
  readonly attentionHeadDim: number | undefined;
  readonly normNumGroups: number;
  /** Groups of the middle attention's norm; undefined: no norm there. */
  readonly midAttentionGroups: number | undefined;
  readonly normEps: number;
  readonly timeScaleShift: 'default' | 'scale_shift';
  readonly addAttention: boolean;
  /** `lookup` is diffusers' class_embed_type null with num_class_embeds. */
  readonly classEmbedding: 'none' | 'lookup' | 'timestep' | 'identity';
  readonly numClassEmbeds: number | undefined;
  readonly numTrainTimesteps: number | undefined;
}

const defaults: Readonly<Record<string, unknown>> = {
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

/** Extents above this are no UNet's; they keep a hostile file from asking for giant buffers. */
const largest = 65536;

/**
 * Reads the parsed `config.json` of a UNet2DModel. Missing keys take diffusers' defaults; keys that begin with `_` are
 * notes.
 * @param source the file's name, for messages
 * @throws InputError naming the key, what was found, and what is supported
 */
export function parseUNetConfig(json: Readonly<Record<string, unknown>>, source = 'config.json'): UNetConfig {
  const fail = (message: string): never => {
    throw new InputError(`${source}: ${message}`);
  };
  const className = json['_class_name'];
  if (className !== undefined && className !== 'UNet2DModel') {
    fail(`the model is a ${JSON.stringify(className)}; supported is "UNet2DModel"`);
  }
  for (const key of Object.keys(json)) {
    if (!key.startsWith('_') && !Object.hasOwn(defaults, key)) {
      fail(`unknown key "${key}"; UNet2DModel has ${Object.keys(defaults).join(', ')}`);
    }
  }

  const read = (key: string): unknown => (Object.hasOwn(json, key) ? json[key] : defaults[key]);
  const refuse = (key: string, expected: string): never =>
    fail(`${key} is ${JSON.stringify(read(key))}; supported is ${expected}`);
  const integer = (key: string, least: number): number => {
    const value = read(key);
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > largest) {
      return refuse(key, `a whole number from ${least} to ${largest}`);
    }
    return value;
  };
  const optionalInteger = (key: string): number | undefined => (read(key) === null ? undefined : integer(key, 1));
  const finite = (key: string): number => {
    const value = read(key);
    return typeof value === 'number' && Number.isFinite(value) ? value : refuse(key, 'a finite number');
  };
  const flag = (key: string): boolean => {
    const value = read(key);
    return typeof value === 'boolean' ? value : refuse(key, 'true or false');
  };
  const choice = <T extends string>(key: string, choices: readonly T[]): T => {
    const value = read(key);
    return choices.find((candidate) => candidate === value) ?? refuse(key, choices.join(', '));
  };
  const list = (key: string): readonly unknown[] => {
    const value = read(key);
    return Array.isArray(value) && value.length > 0 && value.length <= 16
      ? value
      : refuse(key, 'a list of 1 to 16 entries');
  };
  const choices = <T extends string>(key: string, known: readonly T[]): T[] =>
    list(key).map((entry) => {
      // Checkpoints from before the blocks were named so carry a prefix that diffusers drops, too.
      const name = typeof entry === 'string' ? entry.replace(/^UNetRes/, '') : entry;
      return (
        known.find((candidate) => candidate === name) ??
        fail(`${key} names ${JSON.stringify(entry)}; supported are ${known.join(', ')}`)
      );
    });

  const down = choices('down_block_types', downBlockTypes);
  const up = choices('up_block_types', upBlockTypes);
  const channels = list('block_out_channels').map((value) =>
    typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= largest
      ? value
      : refuse('block_out_channels', `whole numbers from 1 to ${largest}`),
  );
  if (down.length !== channels.length || up.length !== channels.length) {
    fail(
      `down_block_types has ${down.length} entries, up_block_types ${up.length}, block_out_channels ${channels.length}; they must be as many`,
    );
  }
  const groups = integer('norm_num_groups', 1);
  for (const count of channels) {
    if (count % groups !== 0)
      fail(`block_out_channels has ${count}, which norm_num_groups = ${groups} does not divide`);
  }
  const timeScaleShift = choice('resnet_time_scale_shift', ['default', 'scale_shift'] as const);
  const timeEmbeddingType = choice('time_embedding_type', ['positional', 'fourier', 'learned'] as const);
  const classType =
    read('class_embed_type') === null ? null : choice('class_embed_type', ['timestep', 'identity'] as const);
  const numClassEmbeds = optionalInteger('num_class_embeds');
  const numTrainTimesteps = optionalInteger('num_train_timesteps');
  if (timeEmbeddingType === 'learned' && numTrainTimesteps === undefined) {
    fail('time_embedding_type is "learned", which needs num_train_timesteps');
  }
  const headDim = optionalInteger('attention_head_dim');
  const attending = [
    ...channels.filter((_, i) => down[i] === 'AttnDownBlock2D' || up[up.length - 1 - i] === 'AttnUpBlock2D'),
    ...(read('mid_block_type') !== null && read('add_attention') === true ? [channels[channels.length - 1]] : []),
  ];
  for (const count of attending) {
    if (headDim !== undefined && headDim > count)
      fail(`attention_head_dim is ${headDim}, more than the ${count} channels of a block with attention`);
  }
  const middleGroups = optionalInteger('attn_norm_num_groups');
  if (
    middleGroups !== undefined &&
    read('add_attention') === true &&
    channels[channels.length - 1] % middleGroups !== 0
  ) {
    fail(
      `attn_norm_num_groups is ${middleGroups}, which does not divide the ${channels[channels.length - 1]} channels of the middle block`,
    );
  }
  const padding = integer('downsample_padding', 0);
  if (padding > 1) refuse('downsample_padding', '0 or 1, with which the sizes of the way up are those of the way down');
  const epsilon = finite('norm_eps');
  if (epsilon < 0) refuse('norm_eps', 'a number that is not negative');
  if (finite('mid_block_scale_factor') === 0) refuse('mid_block_scale_factor', 'a number other than 0');
  finite('dropout'); // does nothing when a trained model draws
  const layersPerBlock = integer('layers_per_block', 1);
  if (layersPerBlock > 64) refuse('layers_per_block', 'a whole number from 1 to 64');

  return {
    sampleSize:
      sampleSize(read('sample_size')) ??
      (read('sample_size') === null ? undefined : refuse('sample_size', 'a whole number or [height, width]')),
    inChannels: integer('in_channels', 1),
    outChannels: integer('out_channels', 1),
    centerInputSample: flag('center_input_sample'),
    timeEmbeddingType,
    timeEmbeddingDim: optionalInteger('time_embedding_dim') ?? channels[0] * 4,
    freqShift: finite('freq_shift'),
    flipSinToCos: flag('flip_sin_to_cos'),
    downBlockTypes: down,
    hasMidBlock: read('mid_block_type') !== null && choice('mid_block_type', ['UNetMidBlock2D']) === 'UNetMidBlock2D',
    upBlockTypes: up,
    blockOutChannels: channels,
    layersPerBlock,
    midBlockScaleFactor: finite('mid_block_scale_factor'),
    downsamplePadding: padding,
    downsampleType: choice('downsample_type', ['conv', 'resnet'] as const),
    upsampleType: choice('upsample_type', ['conv', 'resnet'] as const),
    activation: activation(read('act_fn')) ?? refuse('act_fn', 'silu (or swish), gelu, mish, relu'),
    attentionHeadDim: headDim,
    normNumGroups: groups,
    midAttentionGroups: middleGroups ?? (timeScaleShift === 'default' ? groups : undefined),
    normEps: epsilon,
    timeScaleShift,
    addAttention: flag('add_attention'),
    classEmbedding: classType ?? (numClassEmbeds === undefined ? 'none' : 'lookup'),
    numClassEmbeds,
    numTrainTimesteps,
  };
}

function sampleSize(value: unknown): readonly [number, number] | undefined {
  const extent = (candidate: unknown): candidate is number =>
    typeof candidate === 'number' && Number.isInteger(candidate) && candidate > 0 && candidate <= largest;
  if (extent(value)) return [value, value];
  if (Array.isArray(value) && value.length === 2 && extent(value[0]) && extent(value[1])) return [value[0], value[1]];
  return undefined;
}

function activation(value: unknown): Activation | undefined {
  const name = typeof value === 'string' ? value.toLowerCase() : '';
  if (name === 'swish' || name === 'silu') return 'silu';
  return name === 'gelu' || name === 'mish' || name === 'relu' ? name : undefined;
}
