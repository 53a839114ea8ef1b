/**
 * The stages of UNet2DModel: the one walk through its blocks. `diffusers.models.unets.unet_2d.UNet2DModel` builds and
 * runs its modules in this order, but for the first convolution, which it constructs before the embedding.
 */
import { softmaxAttention } from '../../nn/attention.ts';
import { attentionBlock, attentionBlockParameters, type AttentionBlockOptions } from '../../nn/attention-block.ts';
import type { Context } from '../../nn/context.ts';
import { conv2d, evenPadding, groupNorm } from '../../nn/layers.ts';
import { convolutionParameters, normParameters } from '../../nn/parameters.ts';
import { downsample, resamplingParameters, upsample } from '../../nn/resampling.ts';
import { resnetBlock, resnetParameters, type ResnetOptions } from '../../nn/resnet.ts';
import { at, lastOf } from '../../tensor/at.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Stage } from '../stage.ts';
import type { UNetConfig } from './config.ts';
import { embeddingStage } from './embedding.ts';
import type { UNetState } from './state.ts';

type UNetStage = Stage<UNetState>;

/** The stages of the UNet that `config` describes, in the order of the forward pass. */
export function unetStages(config: UNetConfig): readonly UNetStage[] {
  const { blockOutChannels: channels } = config;
  const down = channels.map((_, i) => downStages(config, i));
  /** Channels of what the way down leaves for the way up, the latest last. */
  const kept = [at(channels, 0), ...down.flatMap((block, i) => block.filter(keeps).map(() => at(channels, i)))];
  const up = channels.map((_, i) => upStages(config, i, kept));
  return [
    embeddingStage(config),
    inputStage(config),
    ...down.flatMap((block, i) => asBlock(`down_blocks.${i}`, block)),
    ...asBlock('mid_block', middleStages(config)),
    ...up.flatMap((block, i) => asBlock(`up_blocks.${i}`, block)),
    outputStage(config),
  ];
}

const keeps = ({ skip }: UNetStage): boolean => skip === 'keep';

/** The stages of a block, the last of which shows its result as that of the block, too. */
function asBlock(path: string, stages: readonly UNetStage[]): readonly UNetStage[] {
  return stages.map((stage, i) =>
    i < stages.length - 1
      ? stage
      : {
          ...stage,
          run: (context, state, perturbation) => seenAs(path, context, stage.run(context, state, perturbation)),
        },
  );
}

/**
 * Shows the hidden tensor as the output of a block. What the watcher puts in its place is also what the block leaves
 * for the way up.
 */
function seenAs(block: string, context: Context, state: UNetState): UNetState {
  const hidden = context.tap(block, state.hidden);
  if (hidden === state.hidden) return state;
  return { ...state, hidden, skips: state.skips.map((skip) => (skip === state.hidden ? hidden : skip)) };
}

/** DownBlock2D, AttnDownBlock2D, ResnetDownsampleBlock2D: ResNet blocks, each with attention or not, and halving. */
function downStages(config: UNetConfig, i: number): readonly UNetStage[] {
  const type = config.downBlockTypes[i];
  const to = at(config.blockOutChannels, i);
  const from = at(config.blockOutChannels, Math.max(0, i - 1));
  const attends = type === 'AttnDownBlock2D';
  const layers = Array.from({ length: config.layersPerBlock }, (_, layer) => [
    resnetStage(
      `down_blocks.${i}.resnets.${layer}`,
      config,
      layer === 0 ? from : to,
      to,
      attends ? {} : { skip: 'keep' },
    ),
    ...(attends ? [attentionStage(`down_blocks.${i}.attentions.${layer}`, config, to, { skip: 'keep' })] : []),
  ]).flat();
  if (i === config.blockOutChannels.length - 1) return layers;
  const path = `down_blocks.${i}.downsamplers.0`;
  const byResnet = type === 'ResnetDownsampleBlock2D' || (attends && config.downsampleType === 'resnet');
  const sampler = byResnet
    ? resnetStage(path, config, to, to, { skip: 'keep', resize: 'down' })
    : downsampleStage(path, to, config.downsamplePadding);
  return [...layers, sampler];
}

/**
 * UpBlock2D, AttnUpBlock2D, ResnetUpsampleBlock2D: ResNet blocks on what flows and what the way down has left, each
 * with attention or not, and doubling.
 * @param kept channels of all that the way down has left, the latest last
 */
function upStages(config: UNetConfig, i: number, kept: readonly number[]): readonly UNetStage[] {
  const deepest = config.blockOutChannels.length - 1;
  const type = config.upBlockTypes[i];
  const to = at(config.blockOutChannels, deepest - i);
  const from = at(config.blockOutChannels, Math.min(deepest, deepest - i + 1));
  const attends = type === 'AttnUpBlock2D';
  const count = config.layersPerBlock + 1;
  const skips = kept.slice(kept.length - (i + 1) * count, kept.length - i * count).reverse();
  const layers = skips.flatMap((skip, layer) => [
    resnetStage(`up_blocks.${i}.resnets.${layer}`, config, (layer === 0 ? from : to) + skip, to, { skip: 'join' }),
    ...(attends ? [attentionStage(`up_blocks.${i}.attentions.${layer}`, config, to)] : []),
  ]);
  if (i === deepest) return layers;
  const path = `up_blocks.${i}.upsamplers.0`;
  const byResnet = type === 'ResnetUpsampleBlock2D' || (attends && config.upsampleType === 'resnet');
  return [...layers, byResnet ? resnetStage(path, config, to, to, { resize: 'up' }) : upsampleStage(path, to)];
}

/** UNetMidBlock2D: ResNet block, attention, ResNet block, all scaled by `mid_block_scale_factor`. */
function middleStages(config: UNetConfig): readonly UNetStage[] {
  if (!config.hasMidBlock) return [];
  const channels = lastOf(config.blockOutChannels);
  const { midBlockScaleFactor: factor, midAttentionGroups: groups } = config;
  const resnet = (layer: number): UNetStage =>
    resnetStage(`mid_block.resnets.${layer}`, config, channels, channels, { outputScaleFactor: factor });
  const attends = { groups, rescaleOutputFactor: factor };
  return [
    resnet(0),
    ...(config.addAttention ? [attentionStage('mid_block.attentions.0', config, channels, attends)] : []),
    resnet(1),
  ];
}

/** Runs `work` on what flows through, and does with the skips what the stage does with them. */
function withSkips(
  skip: SkipUse['skip'],
  context: Context,
  state: UNetState,
  work: (hidden: Tensor, seam?: number) => Tensor,
): UNetState {
  const { hidden, skips } = state;
  const latest = skips.at(-1);
  if (skip === 'join' && latest) {
    const joined = context.kernels.concatChannels(hidden, latest);
    return { ...state, hidden: work(joined, hidden.shape[1]), skips: skips.slice(0, -1) };
  }
  const result = work(hidden);
  return { ...state, hidden: result, skips: skip === 'keep' ? [...skips, result] : skips };
}

function inputStage({ inChannels, blockOutChannels }: UNetConfig): UNetStage {
  const first = at(blockOutChannels, 0);
  return {
    path: 'conv_in',
    kind: 'convolution',
    skip: 'keep',
    parameters: convolutionParameters('conv_in', inChannels, first, 3),
    run: (context, state) => withSkips('keep', context, state, (x) => conv2d(context, 'conv_in', x, 1, evenPadding(1))),
  };
}

interface SkipUse {
  readonly skip?: 'keep' | 'join';
}

function resnetStage(
  path: string,
  config: UNetConfig,
  inChannels: number,
  outChannels: number,
  { skip, ...special }: SkipUse & Partial<ResnetOptions> = {},
): UNetStage {
  const options: ResnetOptions = {
    groups: config.normNumGroups,
    eps: config.normEps,
    activation: config.activation,
    timeScaleShift: config.timeScaleShift,
    outputScaleFactor: 1,
    ...special,
  };
  return {
    path,
    kind: 'resnet',
    ...(skip && { skip }),
    parameters: resnetParameters(path, { inChannels, outChannels, timeChannels: config.timeEmbeddingDim }, options),
    run: (context, state) =>
      withSkips(skip, context, state, (x, seam) => resnetBlock(context, path, x, state.temb, options, seam)),
  };
}

function attentionStage(
  path: string,
  config: UNetConfig,
  channels: number,
  { skip, ...special }: SkipUse & Partial<AttentionBlockOptions> = {},
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

function downsampleStage(path: string, channels: number, padding: number): UNetStage {
  return {
    path,
    kind: 'downsample',
    skip: 'keep',
    parameters: resamplingParameters(path, channels),
    run: (context, state) => withSkips('keep', context, state, (x) => downsample(context, path, x, padding)),
  };
}

function upsampleStage(path: string, channels: number): UNetStage {
  return {
    path,
    kind: 'upsample',
    parameters: resamplingParameters(path, channels),
    run: (context, state) => withSkips(undefined, context, state, (x) => upsample(context, path, x)),
  };
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
        return conv2d(context, 'conv_out', context.kernels.activation(normed, 'silu'), 1, evenPadding(1));
      }),
  };
}
