/**
 * The configuration of diffusers' AutoencoderTiny, every key of it, checked. What the reference does not support is
 * refused by name, never ignored.
 */
import type { Activation } from '../../kernels/kernels.ts';
import { at } from '../../tensor/at.ts';
import { checkParsed, configKeys, unknownKeys, type ConfigKeys, type Json, type ReadConfig } from '../config-keys.ts';
import { activationOf, divisorOf } from '../unet-keys.ts';

/** An AutoencoderTiny, as its `config.json` describes it: diffusers' keys in camel case, with what they mean here. */
export interface AutoencoderTinyConfig {
  /** Channels of the pictures that go in, and of those that come out. */
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  /** Channels inside of either way. */
  readonly encoderChannels: number;
  readonly decoderChannels: number;
  /** Residual blocks at each size: of the encoder from the full one on, of the decoder from the smallest on. */
  readonly numEncoderBlocks: readonly [number, ...number[]];
  readonly numDecoderBlocks: readonly [number, ...number[]];
  readonly activation: Activation;
  /** Latents within ±this become [0, 1], with `latentShift` in the middle, where they are stored as a picture. */
  readonly latentMagnitude: number;
  readonly latentShift: number;
  /** What latents are multiplied by for diffusion, and what is taken off before. */
  readonly scalingFactor: number;
  readonly shiftFactor: number;
}

const defaults: Json = {
  in_channels: 3,
  out_channels: 3,
  encoder_block_out_channels: [64, 64, 64, 64],
  decoder_block_out_channels: [64, 64, 64, 64],
  act_fn: 'relu',
  upsample_fn: 'nearest',
  latent_channels: 4,
  upsampling_scaling_factor: 2,
  num_encoder_blocks: [1, 3, 3, 3],
  num_decoder_blocks: [3, 3, 3, 1],
  latent_magnitude: 3,
  latent_shift: 0.5,
  force_upcast: false,
  scaling_factor: 1,
  shift_factor: 0,
  // diffusers writes the decoder's channels under this name, too.
  block_out_channels: null,
};

/**
 * Reads the parsed `config.json` of an AutoencoderTiny. Missing keys take diffusers' defaults; keys that begin with `_`
 * are notes, and keys that the class does not have do nothing.
 * @param source the file's name, for messages
 * @throws InputError naming the key, what was found, and what is supported
 */
export function parseAutoencoderTinyConfig(json: Json, source = 'config.json'): AutoencoderTinyConfig {
  return readAutoencoderTinyConfig(json, source).config;
}

/**
 * parseAutoencoderTinyConfig, with one line that names the keys that the class does not have, or none. @throws as that
 */
export function readAutoencoderTinyConfig(json: Json, source = 'config.json'): ReadConfig<AutoencoderTinyConfig> {
  const keys = configKeys(json, 'AutoencoderTiny', defaults, source);
  return { config: configOf(keys), warnings: unknownKeys(keys, 'AutoencoderTiny', source) };
}

/**
 * Fails unless `parseAutoencoderTinyConfig` has read the config.
 * @throws InputError naming the first key that is missing, or holds what it never holds
 */
export function checkConfig(config: AutoencoderTinyConfig): void {
  checkParsed(config, parseAutoencoderTinyConfig({}), 'parseAutoencoderTinyConfig');
}

function configOf(keys: ConfigKeys): AutoencoderTinyConfig {
  keys.choice('upsample_fn', ['nearest'] as const);
  if (keys.read('upsampling_scaling_factor') !== 2) keys.refuse('upsampling_scaling_factor', '2');
  keys.flag('force_upcast'); // diffusers sets it to false itself
  const numEncoderBlocks = blocksOf(keys, 'num_encoder_blocks');
  const numDecoderBlocks = blocksOf(keys, 'num_decoder_blocks');
  return {
    inChannels: keys.integer('in_channels', 1),
    outChannels: keys.integer('out_channels', 1),
    latentChannels: keys.integer('latent_channels', 1),
    encoderChannels: channelsOf(keys, 'encoder_block_out_channels', numEncoderBlocks.length),
    decoderChannels: channelsOf(keys, 'decoder_block_out_channels', numDecoderBlocks.length),
    numEncoderBlocks,
    numDecoderBlocks,
    activation: activationOf(keys, 'act_fn'),
    latentMagnitude: divisorOf(keys, 'latent_magnitude'),
    latentShift: keys.finite('latent_shift'),
    scalingFactor: divisorOf(keys, 'scaling_factor'),
    shiftFactor: keys.finite('shift_factor'),
  };
}

function blocksOf(keys: ConfigKeys, key: string): readonly [number, ...number[]] {
  const counts = keys.integers(key);
  return counts.some((count) => count > 64) ? keys.refuse(key, 'whole numbers from 1 to 64') : counts;
}

/** Convolutions between the sizes keep the channels, so that all must be as many. */
function channelsOf(keys: ConfigKeys, key: string, count: number): number {
  const channels = keys.integers(key);
  const first = at(channels, 0);
  const fits = channels.length === count && channels.every((each) => each === first);
  return fits ? first : keys.refuse(key, `${count} times the same whole number`);
}
