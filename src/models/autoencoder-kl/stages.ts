/**
 * The stages of AutoencoderKL's two ways: the one walk through the blocks of each
 * (`diffusers.models.autoencoders.vae.Encoder`, `Decoder`).
 */
import { softmaxAttention } from '../../nn/attention.ts';
import { attentionBlock, attentionBlockParameters } from '../../nn/attention-block.ts';
import { conv2d, evenPadding, groupNorm } from '../../nn/layers.ts';
import { convolutionParameters, normParameters } from '../../nn/parameters.ts';
import { at, lastOf } from '../../tensor/at.ts';
import {
  asBlock,
  convolutionStage,
  downsampleStage,
  resnetStage,
  upsampleStage,
  withSkips,
  type PictureState,
} from '../picture-stages.ts';
import type { Stage } from '../stage.ts';
import type { AutoencoderKLConfig } from './config.ts';

type PictureStage = Stage<PictureState>;

/** Of every norm, whatever the rest of the model has. */
const eps = 1e-6;

/** From a picture to the mean and the logarithm of the variance of its latents, side by side. */
export function encoderStages(config: AutoencoderKLConfig): readonly PictureStage[] {
  const { blockOutChannels: channels, inChannels, latentChannels } = config;
  const path = 'encoder';
  const both = 2 * latentChannels;
  return [
    convolutionStage(`${path}.conv_in`, inChannels, at(channels, 0), 3, undefined),
    ...channels.flatMap((_, i) =>
      asBlock(`${path}.down_blocks.${i}`, downStages(`${path}.down_blocks.${i}`, config, i)),
    ),
    ...asBlock(`${path}.mid_block`, middleStages(`${path}.mid_block`, config)),
    outputStage(path, config, lastOf(channels), both),
    ...(config.useQuantConv ? [convolutionStage<PictureState>('quant_conv', both, both, 1, undefined)] : []),
  ];
}

/** From latents to a picture. */
export function decoderStages(config: AutoencoderKLConfig): readonly PictureStage[] {
  const { blockOutChannels: channels, outChannels, latentChannels: latent } = config;
  const path = 'decoder';
  return [
    ...(config.usePostQuantConv
      ? [convolutionStage<PictureState>('post_quant_conv', latent, latent, 1, undefined)]
      : []),
    convolutionStage(`${path}.conv_in`, latent, lastOf(channels), 3, undefined),
    ...asBlock(`${path}.mid_block`, middleStages(`${path}.mid_block`, config)),
    ...channels.flatMap((_, i) => asBlock(`${path}.up_blocks.${i}`, upStages(`${path}.up_blocks.${i}`, config, i))),
    outputStage(path, config, at(channels, 0), outChannels),
  ];
}

/** ResNet blocks, each with attention or not, and halving. */
function downStages(path: string, config: AutoencoderKLConfig, i: number): readonly PictureStage[] {
  const { blockOutChannels: channels, layersPerBlock, downBlockTypes } = config;
  const [from, to] = [at(channels, Math.max(0, i - 1)), at(channels, i)];
  const attends = downBlockTypes[i] === 'AttnDownEncoderBlock2D';
  const layers = layerStages(path, config, layersPerBlock, from, to, attends);
  const halves = i < channels.length - 1;
  // A border below and at the right only, as with padding 0 everywhere.
  return halves ? [...layers, downsampleStage<PictureState>(`${path}.downsamplers.0`, to, 0, undefined)] : layers;
}

/** ResNet blocks, each with attention or not, and doubling. */
function upStages(path: string, config: AutoencoderKLConfig, i: number): readonly PictureStage[] {
  const { blockOutChannels: channels, layersPerBlock, upBlockTypes } = config;
  const deepest = channels.length - 1;
  const [from, to] = [at(channels, Math.min(deepest, deepest - i + 1)), at(channels, deepest - i)];
  const attends = upBlockTypes[i] === 'AttnUpDecoderBlock2D';
  const layers = layerStages(path, config, layersPerBlock + 1, from, to, attends);
  return i < deepest ? [...layers, upsampleStage<PictureState>(`${path}.upsamplers.0`, to, 'double')] : layers;
}

function layerStages(
  path: string,
  config: AutoencoderKLConfig,
  count: number,
  from: number,
  to: number,
  attends: boolean,
): readonly PictureStage[] {
  return Array.from({ length: count }, (_, layer) => [
    resnet(`${path}.resnets.${layer}`, config, layer === 0 ? from : to, to),
    ...(attends ? [attention(`${path}.attentions.${layer}`, config, to)] : []),
  ]).flat();
}

/** ResNet block, attention, ResNet block. */
function middleStages(path: string, config: AutoencoderKLConfig): readonly PictureStage[] {
  const channels = lastOf(config.blockOutChannels);
  return [
    resnet(`${path}.resnets.0`, config, channels, channels),
    ...(config.midBlockAddAttention ? [attention(`${path}.attentions.0`, config, channels)] : []),
    resnet(`${path}.resnets.1`, config, channels, channels),
  ];
}

/** A ResNet block without time. */
function resnet(path: string, config: AutoencoderKLConfig, inChannels: number, outChannels: number): PictureStage {
  const { normNumGroups: groups, activation } = config;
  const options = { groups, eps, activation, timeScaleShift: 'default', outputScaleFactor: 1 } as const;
  return resnetStage(path, { inChannels, outChannels, timeChannels: undefined }, options);
}

/** Self-attention of one head over all channels. It is no site: guidance perturbs the model that denoises. */
function attention(path: string, { normNumGroups: groups }: AutoencoderKLConfig, channels: number): PictureStage {
  const options = { heads: 1, groups, eps, rescaleOutputFactor: 1 };
  return {
    path,
    kind: 'attention',
    parameters: attentionBlockParameters(path, channels, channels, options),
    run: (context, state) =>
      withSkips(undefined, context, state, (x) => attentionBlock(context, path, x, options, softmaxAttention)),
  };
}

/** Norm, SiLU whatever act_fn says, convolution; what comes of it is the output of the whole way. */
function outputStage(way: string, { normNumGroups }: AutoencoderKLConfig, from: number, to: number): PictureStage {
  const path = `${way}.conv_out`;
  return {
    path,
    kind: 'output',
    parameters: [...normParameters(`${way}.conv_norm_out`, from), ...convolutionParameters(path, from, to, 3)],
    run: (context, state) =>
      withSkips(undefined, context, state, (x) => {
        const normed = groupNorm(context, `${way}.conv_norm_out`, x, normNumGroups, eps);
        const out = conv2d(context, path, context.kernels.activation(normed, 'silu'), 1, evenPadding(1));
        return context.tap(way, out);
      }),
  };
}
