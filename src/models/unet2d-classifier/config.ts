/**
 * The configuration of a noise-aware classifier. diffusers has no class for it, so the name `UNet2DClassifierModel` and
 * the key `num_classes` are ours; all other keys are those of UNet2DModel that say how its way down and its middle are
 * built.
 */
import { at, lastOf } from '../../tensor/at.ts';
import { checkParsed, configKeys, unknownKeys, type Json, type ReadConfig } from '../config-keys.ts';
import { attends, isSkipBlock, readUNetConfig, unetDefaults, type UNetConfig } from '../unet2d/config.ts';
import { sampleSizeOf } from '../unet-keys.ts';

/** The class that its config.json names. */
export const classifierFamily = 'UNet2DClassifierModel';

/** A classifier, as its `config.json` describes it. */
export interface UNetClassifierConfig {
  /** The UNet2DModel, without classes, whose way down and middle it has; of its way up nothing is used. */
  readonly encoder: UNetConfig;
  /** Channels of the sample. */
  readonly inChannels: number;
  /** Height and width: the pooling knows each place. */
  readonly sampleSize: readonly [number, number];
  readonly numClasses: number;
}

/** The keys of UNet2DModel that do not say how its way down and its middle are built. */
const otherKeys: readonly string[] = [
  'sample_size',
  'out_channels',
  'mid_block_type',
  'up_block_types',
  'upsample_type',
  'dropout',
  'class_embed_type',
  'num_class_embeds',
];
/** Those that do, with its defaults. */
const encoderKeys: Json = Object.fromEntries(Object.entries(unetDefaults).filter(([key]) => !otherKeys.includes(key)));
const defaults: Json = { sample_size: null, num_classes: 1000, ...encoderKeys };

/**
 * Reads the parsed `config.json` of a classifier. Missing keys take the defaults of UNet2DModel; sample_size must be
 * given.
 * @param source the file's name, for messages
 * @throws InputError naming the key, what was found, and what is supported
 */
export function parseUNetClassifierConfig(json: Json, source = 'config.json'): UNetClassifierConfig {
  return readUNetClassifierConfig(json, source).config;
}

/** parseUNetClassifierConfig, with one line that names the keys that the class does not have, or none. */
export function readUNetClassifierConfig(json: Json, source = 'config.json'): ReadConfig<UNetClassifierConfig> {
  const keys = configKeys(json, classifierFamily, defaults, source);
  const size = sampleSizeOf(keys) ?? keys.refuse('sample_size', 'a whole number or [height, width]');
  const numClasses = keys.integer('num_classes', 1);
  const blocks = keys.list('down_block_types');
  const { config: encoder } = readUNetConfig(
    {
      ...Object.fromEntries(Object.keys(encoderKeys).map((key) => [key, keys.read(key)])),
      up_block_types: blocks.map(() => 'UpBlock2D'),
      out_channels: keys.read('in_channels'),
    },
    source,
  );
  const { downBlockTypes, blockOutChannels, attentionHeadDim } = encoder;
  if (downBlockTypes.some(isSkipBlock)) keys.fail('down_block_types has a skip block; a classifier has none');
  const halvings = 2 ** (blockOutChannels.length - 1);
  if (size.some((extent) => extent % halvings !== 0)) keys.refuse('sample_size', `a multiple of ${halvings}`);
  if (attentionHeadDim !== undefined && attentionHeadDim > lastOf(blockOutChannels))
    keys.refuse('attention_head_dim', `at most the ${lastOf(blockOutChannels)} channels that are pooled`);
  const uneven = blockOutChannels.find(
    (channels, i) => isAttending(encoder, i) && channels % (attentionHeadDim ?? channels) !== 0,
  );
  if (uneven !== undefined) keys.refuse('attention_head_dim', `a divisor of the ${uneven} channels of a block`);
  const config = { encoder, inChannels: encoder.inChannels, sampleSize: size, numClasses };
  return { config, warnings: unknownKeys(keys, classifierFamily, source, 'this library') };
}

/** Whether a block, or the pooling behind the last one, has attention. */
function isAttending({ downBlockTypes, blockOutChannels }: UNetConfig, i: number): boolean {
  return i === blockOutChannels.length - 1 || attends(at(downBlockTypes, i));
}

/**
 * Fails unless `parseUNetClassifierConfig` has read the config.
 * @throws InputError naming the first key that is missing, or holds what it never holds
 */
export function checkConfig(config: UNetClassifierConfig): void {
  checkParsed(config, parseUNetClassifierConfig({ sample_size: 32 }), 'parseUNetClassifierConfig');
}
