/**
 * The configuration of diffusers' AutoencoderKL, every key of it, checked. What the reference does not support is
 * refused by name, never ignored.
 */
import type { Activation } from '../../kernels/kernels.ts';
import { checkParsed, configKeys, unknownKeys, type ConfigKeys, type Json, type ReadConfig } from '../config-keys.ts';
import { activationOf, blockTypesOf, divisorOf, expectAsMany, normGroupsOf, sampleSizeOf } from '../unet-keys.ts';

/** The blocks of the encoder that are supported. */
export const encoderBlockTypes = ['DownEncoderBlock2D', 'AttnDownEncoderBlock2D'] as const;
/** The blocks of the decoder that are supported. */
export const decoderBlockTypes = ['UpDecoderBlock2D', 'AttnUpDecoderBlock2D'] as const;
/** A block of the encoder: ResNet blocks, each with attention or not, and halving. */
export type EncoderBlockType = (typeof encoderBlockTypes)[number];
/** A block of the decoder: ResNet blocks, each with attention or not, and doubling. */
export type DecoderBlockType = (typeof decoderBlockTypes)[number];

/** An AutoencoderKL, as its `config.json` describes it: diffusers' keys in camel case, with what they mean here. */
export interface AutoencoderKLConfig {
  /** Channels of the pictures that go in, and of those that come out. */
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** From the first block, at full size, to the deepest. */
  readonly downBlockTypes: readonly EncoderBlockType[];
  /** From the deepest block to the last one, at full size. */
  readonly upBlockTypes: readonly DecoderBlockType[];
  readonly blockOutChannels: readonly [number, ...number[]];
  /** ResNet blocks of each block of the encoder; the decoder has one more in each. */
  readonly layersPerBlock: number;
  readonly activation: Activation;
  /** Groups of every norm; they divide all `blockOutChannels`. */
  readonly normNumGroups: number;
  /** Height and width of the pictures that it was trained on, which is how large diffusers' tiles are. */
  readonly sampleSize: readonly [number, number] | undefined;
  /** What latents are multiplied by for diffusion. */
  readonly scalingFactor: number;
  /** What is taken off latents before that. */
  readonly shiftFactor: number | undefined;
  /** What is taken off each channel, and what it is then divided by, where a model knows these of its latents. */
  readonly latentsMean: readonly number[] | undefined;
  readonly latentsStd: readonly number[] | undefined;
  /** Whether pipelines compute it in float32 where all else is in float16. */
  readonly forceUpcast: boolean;
  /** Whether a convolution of single pixels stands behind the encoder, and one before the decoder. */
  readonly useQuantConv: boolean;
  readonly usePostQuantConv: boolean;
  /** Whether the middle of either has attention. */
  readonly midBlockAddAttention: boolean;
}

const defaults: Json = {
  in_channels: 3,
  out_channels: 3,
  down_block_types: ['DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D'],
  block_out_channels: [64],
  layers_per_block: 1,
  act_fn: 'silu',
  latent_channels: 4,
  norm_num_groups: 32,
  sample_size: 32,
  scaling_factor: 0.18215,
  shift_factor: null,
  latents_mean: null,
  latents_std: null,
  force_upcast: true,
  use_quant_conv: true,
  use_post_quant_conv: true,
  mid_block_add_attention: true,
};

/**
 * Reads the parsed `config.json` of an AutoencoderKL. Missing keys take diffusers' defaults; keys that begin with `_`
 * are notes, and keys that the class does not have do nothing.
 * @param source the file's name, for messages
 * @throws InputError naming the key, what was found, and what is supported
 */
export function parseAutoencoderKLConfig(json: Json, source = 'config.json'): AutoencoderKLConfig {
  return readAutoencoderKLConfig(json, source).config;
}

/**
 * parseAutoencoderKLConfig, with one line that names the keys that the class does not have, or none. @throws as that
 */
export function readAutoencoderKLConfig(json: Json, source = 'config.json'): ReadConfig<AutoencoderKLConfig> {
  const keys = configKeys(json, 'AutoencoderKL', defaults, source);
  return { config: configOf(keys), warnings: unknownKeys(keys, 'AutoencoderKL', source) };
}

/**
 * Fails unless `parseAutoencoderKLConfig` has read the config.
 * @throws InputError naming the first key that is missing, or holds what it never holds
 */
export function checkConfig(config: AutoencoderKLConfig): void {
  checkParsed(config, parseAutoencoderKLConfig({}), 'parseAutoencoderKLConfig');
}

function configOf(keys: ConfigKeys): AutoencoderKLConfig {
  const downBlockTypes = blockTypesOf(keys, 'down_block_types', encoderBlockTypes);
  const upBlockTypes = blockTypesOf(keys, 'up_block_types', decoderBlockTypes);
  const blockOutChannels = keys.integers('block_out_channels');
  expectAsMany(keys, downBlockTypes.length, upBlockTypes.length, blockOutChannels.length);
  const layersPerBlock = keys.integer('layers_per_block', 1);
  if (layersPerBlock > 64) keys.refuse('layers_per_block', 'a whole number from 1 to 64');
  const latentChannels = keys.integer('latent_channels', 1);
  return {
    inChannels: keys.integer('in_channels', 1),
    outChannels: keys.integer('out_channels', 1),
    latentChannels,
    downBlockTypes,
    upBlockTypes,
    blockOutChannels,
    layersPerBlock,
    activation: activationOf(keys, 'act_fn'),
    normNumGroups: normGroupsOf(keys, blockOutChannels),
    sampleSize: sampleSizeOf(keys),
    scalingFactor: divisorOf(keys, 'scaling_factor'),
    shiftFactor: keys.read('shift_factor') === null ? undefined : keys.finite('shift_factor'),
    ...statisticsOf(keys, latentChannels),
    forceUpcast: keys.flag('force_upcast'),
    useQuantConv: keys.flag('use_quant_conv'),
    usePostQuantConv: keys.flag('use_post_quant_conv'),
    midBlockAddAttention: keys.flag('mid_block_add_attention'),
  };
}

type Statistics = Pick<AutoencoderKLConfig, 'latentsMean' | 'latentsStd'>;

function statisticsOf(keys: ConfigKeys, channels: number): Statistics {
  const latentsMean = numbersOf(keys, 'latents_mean', channels);
  const latentsStd = numbersOf(keys, 'latents_std', channels);
  if ((latentsMean === undefined) !== (latentsStd === undefined)) {
    keys.fail('latents_mean and latents_std must be given together, or both be null');
  }
  if (latentsStd?.includes(0)) keys.refuse('latents_std', 'numbers other than 0');
  return { latentsMean, latentsStd };
}

/** A number for each channel, or null. Old files wrap them in a list of their own. */
function numbersOf(keys: ConfigKeys, key: string, channels: number): readonly number[] | undefined {
  const value = keys.read(key);
  if (value === null) return undefined;
  const numbers = Array.isArray(value) ? value.flat(3) : [];
  const finite = numbers.filter((number): number is number => typeof number === 'number' && Number.isFinite(number));
  const fits = finite.length === channels && numbers.length === channels;
  return fits ? finite : keys.refuse(key, `null, or a number for each of ${channels} channels`);
}
