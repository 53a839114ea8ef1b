/**
 * The stages of UNet2DModel: the one walk through its blocks. `diffusers.models.unets.unet_2d.UNet2DModel` builds and
 * runs its modules in this order, but for the first convolution, which it constructs before the embedding.
 */
import { softmaxAttention } from '../../nn/attention.ts';
import { attentionBlock, attentionBlockParameters, type AttentionBlockOptions } from '../../nn/attention-block.ts';
import { conv2d, evenPadding, groupNorm } from '../../nn/layers.ts';
import { convolutionParameters, normParameters } from '../../nn/parameters.ts';
import type { ResnetOptions } from '../../nn/resnet.ts';
import { at, lastOf } from '../../tensor/at.ts';
import { InputError } from '../../tensor/errors.ts';
import {
  asBlock,
  convolutionStage,
  downsampleStage,
  resnetStage,
  upsampleStage,
  withSkips,
  type SkipUse,
} from '../picture-stages.ts';
import type { Stage } from '../stage.ts';
import {
  attends,
  isSkipBlock,
  skipAttentionGroups,
  skipGroups,
  type DownBlockType,
  type UNetConfig,
  type UpBlockType,
} from './config.ts';
import { embeddingStage } from './embedding.ts';
import { skipInputStage, skipLastStage, skipOutputStage } from './skip-stages.ts';
import type { UNetState } from './state.ts';

type UNetStage = Stage<UNetState>;

/** The stages of the UNet that `config` describes, in the order of the forward pass. */
export function unetStages(config: UNetConfig): readonly UNetStage[] {
  const { blockOutChannels: channels } = config;
  const down = channels.map((_, i) => downStages(config, i));
  /** Channels of what the way down leaves for the way up, the latest last. */
  const kept = [at(channels, 0), ...down.flatMap((block, i) => block.filter(keeps).map(() => at(channels, i)))];
  const up = channels.map((_, i) => upStages(config, i, kept));
  return [...encoderStages(config), ...up.flatMap((block, i) => asBlock(`up_blocks.${i}`, block)), outputStage(config)];
}

/** Those from the sample to the middle block, which it ends with. */
export function encoderStages(config: UNetConfig): readonly UNetStage[] {
  const { blockOutChannels: channels } = config;
  return [
    embeddingStage(config),
    convolutionStage('conv_in', config.inChannels, at(channels, 0), 3, 'keep'),
    ...channels.flatMap((_, i) => asBlock(`down_blocks.${i}`, downStages(config, i))),
    ...asBlock('mid_block', middleStages(config)),
  ];
}

const keeps = ({ skip }: UNetStage): boolean => skip === 'keep';

/**
 * DownBlock2D, AttnDownBlock2D, ResnetDownsampleBlock2D, SkipDownBlock2D, AttnSkipDownBlock2D: ResNet blocks, each with
 * attention or not, and halving.
 */
function downStages(config: UNetConfig, i: number): readonly UNetStage[] {
  const type = at(config.downBlockTypes, i);
  const to = at(config.blockOutChannels, i);
  const from = at(config.blockOutChannels, Math.max(0, i - 1));
  const hasAttention = attends(type);
  const isSkip = isSkipBlock(type);
  const kept = hasAttention ? {} : ({ skip: 'keep' } as const);
  const layers = Array.from({ length: config.layersPerBlock }, (_, layer) => {
    const first = layer === 0 ? from : to;
    const special = isSkip ? inSkipBlock(skipGroups(first), to) : {};
    return [
      resnet(`down_blocks.${i}.resnets.${layer}`, config, first, to, { ...special, ...kept }),
      ...(hasAttention
        ? [attentionStage(`down_blocks.${i}.attentions.${layer}`, config, to, { skip: 'keep', ...attention(type) })]
        : []),
    ];
  }).flat();
  if (i === config.blockOutChannels.length - 1) return layers;
  if (isSkip) {
    const special = { ...inSkipBlock(skipGroups(to), to), ...byFilter, resize: 'down' } as const;
    const block = `down_blocks.${i}`;
    return [...layers, resnet(`${block}.resnet_down`, config, to, to, special), skipInputStage(block, to)];
  }
  const path = `down_blocks.${i}.downsamplers.0`;
  const byResnet = type === 'ResnetDownsampleBlock2D' || (hasAttention && config.downsampleType === 'resnet');
  const sampler = byResnet
    ? resnet(path, config, to, to, { skip: 'keep', resize: 'down' })
    : downsampleStage<UNetState>(path, to, config.downsamplePadding, 'keep');
  return [...layers, sampler];
}

/** What ResNet blocks and attention of skip blocks are: all their sums are divided by √2. */
function inSkipBlock(groups: number, outChannels: number) {
  return { groups, groupsOut: skipGroups(outChannels), outputScaleFactor: Math.SQRT2 } as const;
}

const byFilter = { kernel: 'fir', useInShortcut: true } as const;

function attention(type: DownBlockType | UpBlockType): Partial<AttentionBlockOptions> {
  return isSkipBlock(type) ? { groups: skipAttentionGroups, rescaleOutputFactor: Math.SQRT2 } : {};
}

/**
 * UpBlock2D, AttnUpBlock2D, ResnetUpsampleBlock2D: ResNet blocks on what flows and what the way down has left, each
 * with attention or not, and doubling. SkipUpBlock2D and AttnSkipUpBlock2D have one attention, behind all of them.
 * @param kept channels of all that the way down has left, the latest last
 */
function upStages(config: UNetConfig, i: number, kept: readonly number[]): readonly UNetStage[] {
  const deepest = config.blockOutChannels.length - 1;
  const type = at(config.upBlockTypes, i);
  const to = at(config.blockOutChannels, deepest - i);
  const from = at(config.blockOutChannels, Math.min(deepest, deepest - i + 1));
  const count = config.layersPerBlock + 1;
  const skips = kept.slice(kept.length - (i + 1) * count, kept.length - i * count).reverse();
  if (isSkipBlock(type)) return skipUpStages(config, i, { type, from, to }, skips);
  const layers = skips.flatMap((skip, layer) => [
    resnet(`up_blocks.${i}.resnets.${layer}`, config, (layer === 0 ? from : to) + skip, to, { skip: 'join' }),
    ...(attends(type) ? [attentionStage(`up_blocks.${i}.attentions.${layer}`, config, to)] : []),
  ]);
  if (i === deepest) return layers;
  const path = `up_blocks.${i}.upsamplers.0`;
  const byResnet = type === 'ResnetUpsampleBlock2D' || (attends(type) && config.upsampleType === 'resnet');
  return [
    ...layers,
    byResnet ? resnet(path, config, to, to, { resize: 'up' }) : upsampleStage<UNetState>(path, to, 'double'),
  ];
}

/** SkipUpBlock2D, AttnSkipUpBlock2D. @param skips channels of what the way down has left for it, the first first */
function skipUpStages(
  config: UNetConfig,
  i: number,
  { type, from, to }: { readonly type: UpBlockType; readonly from: number; readonly to: number },
  skips: readonly number[],
): readonly UNetStage[] {
  const block = `up_blocks.${i}`;
  const layers = skips.map((skip, layer) => {
    const first = layer === 0 ? from : to;
    // With attention a quarter is taken of the skip alone: so it is in diffusers.
    const groups = attends(type) ? Math.min(first + Math.floor(skip / 4), 32) : skipGroups(first + skip);
    return resnet(`${block}.resnets.${layer}`, config, first + skip, to, { ...inSkipBlock(groups, to), skip: 'join' });
  });
  const behind = attends(type) ? [attentionStage(`${block}.attentions.0`, config, to, attention(type))] : [];
  const stages = [...layers, ...behind];
  if (i === config.blockOutChannels.length - 1) return [...stages.slice(0, -1), skipLastStage(lastOf(stages))];
  const special = { ...inSkipBlock(skipGroups(to), to), ...byFilter, resize: 'up' } as const;
  const resnetUp = resnet(`${block}.resnet_up`, config, to, to, special);
  return [...stages, skipOutputStage(block, to, config.normEps, resnetUp)];
}

/** UNetMidBlock2D: ResNet block, attention, ResNet block, all scaled by `mid_block_scale_factor`. */
function middleStages(config: UNetConfig): readonly UNetStage[] {
  if (!config.hasMidBlock) return [];
  const channels = lastOf(config.blockOutChannels);
  const { midBlockScaleFactor: factor, midAttentionGroups: groups } = config;
  const layerOf = (layer: number): UNetStage =>
    resnet(`mid_block.resnets.${layer}`, config, channels, channels, { outputScaleFactor: factor });
  const attends = { groups, rescaleOutputFactor: factor };
  return [
    layerOf(0),
    ...(config.addAttention ? [attentionStage('mid_block.attentions.0', config, channels, attends)] : []),
    layerOf(1),
  ];
}

interface Skip {
  readonly skip?: SkipUse;
}

function resnet(
  path: string,
  config: UNetConfig,
  inChannels: number,
  outChannels: number,
  { skip, ...special }: Skip & Partial<ResnetOptions> = {},
): UNetStage {
  const options: ResnetOptions = {
    groups: config.normNumGroups,
    eps: config.normEps,
    activation: config.activation,
    timeScaleShift: config.timeScaleShift,
    outputScaleFactor: 1,
    ...special,
  };
  checkGroups(path, options.groups, inChannels);
  return resnetStage(path, { inChannels, outChannels, timeChannels: config.timeEmbeddingDim }, options, skip);
}

function attentionStage(
  path: string,
  config: UNetConfig,
  channels: number,
  { skip, ...special }: Skip & Partial<AttentionBlockOptions> = {},
): UNetStage {
  // `attention_head_dim` is the size of a head; without it there is one head over all channels.
  const headSize = config.attentionHeadDim ?? channels;
  const heads = Math.floor(channels / headSize);
  const options: AttentionBlockOptions = {
    heads,
    groups: config.normNumGroups,
    eps: config.normEps,
    rescaleOutputFactor: 1,
    ...special,
  };
  checkGroups(path, options.groups, channels);
  return {
    path,
    kind: 'attention',
    ...(skip && { skip }),
    site: { kind: 'self', heads },
    parameters: attentionBlockParameters(path, channels, heads * headSize, options),
    run: (context, state, perturbation) =>
      withSkips(skip, context, state, (x) =>
        attentionBlock(context, path, x, options, perturbation.get(path) ?? softmaxAttention),
      ),
  };
}

/** Skip blocks choose their groups themselves; not every number of channels goes with them, in diffusers neither. */
function checkGroups(path: string, groups: number | undefined, channels: number): void {
  if (groups === undefined || channels % groups === 0) return;
  throw new InputError(
    `${path}: its norm has ${groups} groups, which do not divide its ${channels} channels; change block_out_channels`,
  );
}

function outputStage({ blockOutChannels: [channels], outChannels, normNumGroups, normEps }: UNetConfig): UNetStage {
  return {
    path: 'conv_out',
    kind: 'output',
    parameters: [
      ...normParameters('conv_norm_out', channels),
      ...convolutionParameters('conv_out', channels, outChannels, 3),
    ],
    run: (context, state) =>
      withSkips(undefined, context, state, (x) => {
        const normed = groupNorm(context, 'conv_norm_out', x, normNumGroups, normEps);
        // Always SiLU, whatever act_fn says: so it is in UNet2DModel.
        const out = conv2d(context, 'conv_out', context.kernels.activation(normed, 'silu'), 1, evenPadding(1));
        return state.skipOutput ? context.kernels.add(out, state.skipOutput) : out;
      }),
  };
}
