/**
 * The stages of UNet2DConditionModel: the one walk through its blocks.
 * `diffusers.models.unets.unet_2d_condition.UNet2DConditionModel` builds and runs its modules in this order, but for
 * the first convolution, which it constructs before the embeddings.
 */
import { conv2d, evenPadding, groupNorm } from '../../nn/layers.ts';
import { convolutionParameters, normParameters } from '../../nn/parameters.ts';
import type { ResnetOptions } from '../../nn/resnet.ts';
import { at, lastOf } from '../../tensor/at.ts';
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
import type { ConditionDownBlockType, ConditionUpBlockType, UNetConditionConfig } from './config.ts';
import { embeddingStages } from './embedding.ts';
import { simpleAttentionStage } from './simple-attention.ts';
import type { UNetConditionState } from './state.ts';
import { transformerStages } from './transformer.ts';

type UNetStage = Stage<UNetConditionState>;

/** The stages of the UNet that `config` describes, in the order of the forward pass. */
export function unetConditionStages(config: UNetConditionConfig): readonly UNetStage[] {
  const { blockOutChannels: channels, inChannels, convInKernel } = config;
  const down = channels.map((_, i) => downStages(config, i));
  /** Channels of what the way down leaves for the way up, the latest last. */
  const kept = [at(channels, 0), ...down.flatMap((block, i) => block.filter(keeps).map(() => at(channels, i)))];
  const up = upBlocks(config, kept);
  return [
    ...embeddingStages(config),
    convolutionStage('conv_in', inChannels, at(channels, 0), convInKernel, 'keep'),
    ...down.flatMap((block, i) => asBlock(`down_blocks.${i}`, block)),
    ...asBlock('mid_block', middleStages(config)),
    ...up.flatMap((block, i) => asBlock(`up_blocks.${i}`, block)),
    outputStage(config),
  ];
}

const keeps = ({ skip }: UNetStage): boolean => skip === 'keep';

type BlockType = ConditionDownBlockType | ConditionUpBlockType;

const hasTransformers = (type: BlockType): boolean => type.startsWith('CrossAttn');
const isSimple = (type: BlockType): boolean => type.startsWith('SimpleCrossAttn');
/** Blocks that halve and double by a ResNet block; what the config says of ResNet blocks apart holds for theirs. */
const isByResnet = (type: BlockType): boolean => type.startsWith('Resnet') || isSimple(type);

/** A block of the way down: ResNet blocks, each with what its type puts behind it, and halving. */
function downStages(config: UNetConditionConfig, i: number): readonly UNetStage[] {
  const type = at(config.downBlockTypes, i);
  const to = at(config.blockOutChannels, i);
  const from = at(config.blockOutChannels, Math.max(0, i - 1));
  const special = specialOf(config, type);
  const path = `down_blocks.${i}`;
  const attends = hasTransformers(type) || isSimple(type);
  const layers = Array.from({ length: at(config.layersPerBlock, i) }, (_, layer) => [
    resnet(`${path}.resnets.${layer}`, config, layer === 0 ? from : to, to, special, attends ? undefined : 'keep'),
    ...attentionStages(
      `${path}.attentions.${layer}`,
      config,
      type,
      i,
      at(config.transformerLayers.down, i)[layer],
      'keep',
    ),
  ]).flat();
  if (i === config.blockOutChannels.length - 1) return layers;
  const sampler = `${path}.downsamplers.0`;
  return [
    ...layers,
    isByResnet(type)
      ? resnet(sampler, config, to, to, { ...special, resize: 'down' }, 'keep')
      : downsampleStage<UNetConditionState>(sampler, to, config.downsamplePadding, 'keep'),
  ];
}

/** @param kept channels of all that the way down has left, the latest last */
function upBlocks(config: UNetConditionConfig, kept: readonly number[]): readonly (readonly UNetStage[])[] {
  const left = [...kept];
  return config.upBlockTypes.map((_, i) => {
    const level = config.blockOutChannels.length - 1 - i;
    const count = at(config.layersPerBlock, level) + 1;
    return upStages(config, i, left.splice(left.length - count, count).reverse());
  });
}

/**
 * A block of the way up: ResNet blocks on what flows and what the way down has left, and doubling.
 * @param skips their channels, in the order in which they are taken
 */
function upStages(config: UNetConditionConfig, i: number, skips: readonly number[]): readonly UNetStage[] {
  const deepest = config.blockOutChannels.length - 1;
  const level = deepest - i;
  const type = at(config.upBlockTypes, i);
  const to = at(config.blockOutChannels, level);
  const from = at(config.blockOutChannels, Math.min(deepest, level + 1));
  const special = specialOf(config, type);
  const path = `up_blocks.${i}`;
  const layers = skips.flatMap((skip, layer) => [
    resnet(`${path}.resnets.${layer}`, config, (layer === 0 ? from : to) + skip, to, special, 'join'),
    ...attentionStages(`${path}.attentions.${layer}`, config, type, level, at(config.transformerLayers.up, i)[layer]),
  ]);
  if (level === 0) return layers;
  const sampler = `${path}.upsamplers.0`;
  return [
    ...layers,
    isByResnet(type)
      ? resnet(sampler, config, to, to, { ...special, resize: 'up' })
      : upsampleStage<UNetConditionState>(sampler, to, 'of the skip'),
  ];
}

/** ResNet block, attention to what the type says, ResNet block; or a single ResNet block. */
function middleStages(config: UNetConditionConfig): readonly UNetStage[] {
  const { midBlockType: type, midBlockScaleFactor: outputScaleFactor } = config;
  if (!type) return [];
  const deepest = config.blockOutChannels.length - 1;
  const channels = lastOf(config.blockOutChannels);
  const skipTimeAct = type === 'UNetMidBlock2DSimpleCrossAttn' && config.resnetSkipTimeAct;
  const layer = (number: number): UNetStage =>
    resnet(`mid_block.resnets.${number}`, config, channels, channels, { outputScaleFactor, skipTimeAct });
  if (type === 'UNetMidBlock2D') return [layer(0)];
  const path = 'mid_block.attentions.0';
  const attends =
    type === 'UNetMidBlock2DCrossAttn'
      ? transformerStages(path, transformerOptions(config, deepest, config.transformerLayers.middle, false))
      : [simpleAttentionStage(path, simpleOptions(config, deepest, config.midOnlyCrossAttention))];
  return [layer(0), ...attends, layer(1)];
}

/** What ResNet blocks of a block of this type have of their own. */
function specialOf(config: UNetConditionConfig, type: BlockType): Partial<ResnetOptions> {
  if (!isByResnet(type)) return {};
  return { outputScaleFactor: config.resnetOutScaleFactor, skipTimeAct: config.resnetSkipTimeAct };
}

function resnet(
  path: string,
  config: UNetConditionConfig,
  inChannels: number,
  outChannels: number,
  special: Partial<ResnetOptions>,
  skip?: SkipUse,
): UNetStage {
  const { timeEmbeddingDim, classEmbeddingsConcat } = config;
  const options: ResnetOptions = {
    groups: config.normNumGroups,
    eps: config.normEps,
    activation: config.activation,
    timeScaleShift: config.timeScaleShift,
    outputScaleFactor: 1,
    ...special,
  };
  const timeChannels = classEmbeddingsConcat ? 2 * timeEmbeddingDim : timeEmbeddingDim;
  return resnetStage(path, { inChannels, outChannels, timeChannels }, options, skip);
}

/**
 * What a block of this type has behind a ResNet block.
 * @param level of the block's size: 0 is the full one
 * @param layers transformer blocks
 */
function attentionStages(
  path: string,
  config: UNetConditionConfig,
  type: BlockType,
  level: number,
  layers = 1,
  skip?: SkipUse,
): readonly UNetStage[] {
  const only = at(config.onlyCrossAttention, level);
  if (hasTransformers(type)) return transformerStages(path, transformerOptions(config, level, layers, only), skip);
  return isSimple(type) ? [simpleAttentionStage(path, simpleOptions(config, level, only), skip)] : [];
}

function transformerOptions(
  { blockOutChannels, attentionHeadDim, crossAttentionDim, normNumGroups, useLinearProjection }: UNetConditionConfig,
  level: number,
  layers: number,
  onlyCrossAttention: boolean,
): Parameters<typeof transformerStages>[1] {
  const [channels, heads] = [at(blockOutChannels, level), at(attentionHeadDim, level)];
  return { channels, heads, layers, crossAttentionDim, groups: normNumGroups, onlyCrossAttention, useLinearProjection };
}

function simpleOptions(
  { blockOutChannels, attentionHeadDim, crossAttentionDim, normNumGroups, crossAttentionNorm }: UNetConditionConfig,
  level: number,
  onlyCrossAttention: boolean,
): Parameters<typeof simpleAttentionStage>[1] {
  const channels = at(blockOutChannels, level);
  // Here, and here only, the key means what its name says.
  const heads = channels / at(attentionHeadDim, level);
  return { channels, heads, crossAttentionDim, groups: normNumGroups, onlyCrossAttention, crossAttentionNorm };
}

function outputStage(config: UNetConditionConfig): UNetStage {
  const { blockOutChannels, outChannels, normNumGroups, normEps, convOutKernel, activation } = config;
  const [channels] = blockOutChannels;
  return {
    path: 'conv_out',
    kind: 'output',
    parameters: [
      ...normParameters('conv_norm_out', channels),
      ...convolutionParameters('conv_out', channels, outChannels, convOutKernel),
    ],
    run: (context, state) =>
      withSkips(undefined, context, state, (x) => {
        const normed = groupNorm(context, 'conv_norm_out', x, normNumGroups, normEps);
        const activated = context.kernels.activation(normed, activation);
        return conv2d(context, 'conv_out', activated, 1, evenPadding((convOutKernel - 1) / 2));
      }),
  };
}
