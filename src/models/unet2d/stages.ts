/**
 * A UNet is a fold over stages. A stage is a step of the forward pass, named as diffusers names the module; the state
 * that runs through the stages is a value. So a pass can stop before any stage and be resumed from there, more than
 * once: that is how the passes of a guidance share all that comes before the first perturbed layer.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Context } from '../../nn/context.ts';
import { attention, softmaxAttention, type AttentionMixer, type AttentionOptions } from '../../nn/attention.ts';
import { conv2d, evenPadding, groupNorm } from '../../nn/layers.ts';
import { downsample, upsample } from '../../nn/resampling.ts';
import { resnetBlock, type ResnetOptions } from '../../nn/resnet.ts';
import type { UNetConfig } from './config.ts';

export interface UNetState {
  /** [B,C,H,W], what flows through. */
  readonly hidden: Tensor;
  /** What the way down has left for the way up, the latest last. */
  readonly skips: readonly Tensor[];
  /** [B,D], the embedded time and class. */
  readonly temb: Tensor;
}

/** Which attention layers are perturbed, by module path, and how. */
export type Perturbation = ReadonlyMap<string, AttentionMixer>;

export interface Stage {
  /** The module's path, as `down_blocks.1.attentions.0`. */
  readonly path: string;
  readonly kind: 'convolution' | 'resnet' | 'attention' | 'downsample' | 'upsample' | 'output';
  run(context: Context, state: UNetState, perturbation: Perturbation): UNetState;
}

/** The stages of the UNet that `config` describes, in the order of the forward pass (`UNet2DModel.forward`). */
export function unetStages(config: UNetConfig): readonly Stage[] {
  const resnet: ResnetOptions = {
    groups: config.normNumGroups,
    eps: config.normEps,
    activation: config.activation,
    timeScaleShift: config.timeScaleShift,
    outputScaleFactor: 1,
  };
  const heads = (channels: number): number => Math.floor(channels / (config.attentionHeadDim ?? channels));
  const selfAttention = (channels: number): AttentionOptions => ({
    heads: heads(channels),
    groups: config.normNumGroups,
    eps: config.normEps,
    rescaleOutputFactor: 1,
  });

  const stages: Stage[] = [inputStage()];

  config.downBlockTypes.forEach((type, i) => {
    const path = `down_blocks.${i}`;
    const channels = config.blockOutChannels[i];
    for (let layer = 0; layer < config.layersPerBlock; layer++) {
      const attends = type === 'AttnDownBlock2D';
      stages.push(resnetStage(`${path}.resnets.${layer}`, resnet, attends ? 'flow' : 'keep'));
      if (attends) stages.push(attentionStage(`${path}.attentions.${layer}`, selfAttention(channels), 'keep'));
    }
    if (i === config.downBlockTypes.length - 1) return;
    const byResnet =
      type === 'ResnetDownsampleBlock2D' || (type === 'AttnDownBlock2D' && config.downsampleType === 'resnet');
    stages.push(
      byResnet
        ? resnetStage(`${path}.downsamplers.0`, { ...resnet, resize: 'down' }, 'keep')
        : downsampleStage(`${path}.downsamplers.0`, config.downsamplePadding),
    );
  });

  if (config.hasMidBlock) {
    const options = { ...resnet, outputScaleFactor: config.midBlockScaleFactor };
    stages.push(resnetStage('mid_block.resnets.0', options, 'flow'));
    if (config.addAttention) {
      const channels = config.blockOutChannels.at(-1)!;
      stages.push(
        attentionStage(
          'mid_block.attentions.0',
          {
            ...selfAttention(channels),
            groups: config.midAttentionGroups,
            rescaleOutputFactor: config.midBlockScaleFactor,
          },
          'flow',
        ),
      );
    }
    stages.push(resnetStage('mid_block.resnets.1', options, 'flow'));
  }

  const reversedChannels = [...config.blockOutChannels].reverse();
  config.upBlockTypes.forEach((type, i) => {
    const path = `up_blocks.${i}`;
    for (let layer = 0; layer <= config.layersPerBlock; layer++) {
      stages.push(resnetStage(`${path}.resnets.${layer}`, resnet, 'join'));
      if (type === 'AttnUpBlock2D') {
        stages.push(attentionStage(`${path}.attentions.${layer}`, selfAttention(reversedChannels[i]), 'flow'));
      }
    }
    if (i === config.upBlockTypes.length - 1) return;
    const byResnet = type === 'ResnetUpsampleBlock2D' || (type === 'AttnUpBlock2D' && config.upsampleType === 'resnet');
    stages.push(
      byResnet
        ? resnetStage(`${path}.upsamplers.0`, { ...resnet, resize: 'up' }, 'flow')
        : upsampleStage(`${path}.upsamplers.0`),
    );
  });

  stages.push(outputStage(config));
  return stages;
}

/**
 * What a stage does with the skips besides its own work: `keep` leaves its result for the way up, `join` takes the
 * latest one and appends its channels to the input, `flow` does neither.
 */
type SkipUse = 'keep' | 'join' | 'flow';

function withSkips(
  use: SkipUse,
  context: Context,
  state: UNetState,
  work: (hidden: Tensor, seam?: number) => Tensor,
): UNetState {
  if (use === 'join') {
    const joined = context.kernels.concatChannels(state.hidden, state.skips.at(-1)!);
    return { ...state, hidden: work(joined, state.hidden.shape[1]), skips: state.skips.slice(0, -1) };
  }
  const hidden = work(state.hidden);
  return { ...state, hidden, skips: use === 'keep' ? [...state.skips, hidden] : state.skips };
}

function inputStage(): Stage {
  return {
    path: 'conv_in',
    kind: 'convolution',
    run: (context, state) => withSkips('keep', context, state, (x) => conv2d(context, 'conv_in', x, 1, evenPadding(1))),
  };
}

function resnetStage(path: string, options: ResnetOptions, use: SkipUse): Stage {
  return {
    path,
    kind: 'resnet',
    run: (context, state) =>
      withSkips(use, context, state, (x, seam) => resnetBlock(context, path, x, state.temb, options, seam)),
  };
}

function attentionStage(path: string, options: AttentionOptions, use: SkipUse): Stage {
  return {
    path,
    kind: 'attention',
    run: (context, state, perturbation) =>
      withSkips(use, context, state, (x) =>
        attention(context, path, x, options, perturbation.get(path) ?? softmaxAttention),
      ),
  };
}

function downsampleStage(path: string, padding: number): Stage {
  return {
    path,
    kind: 'downsample',
    run: (context, state) => withSkips('keep', context, state, (x) => downsample(context, path, x, padding)),
  };
}

function upsampleStage(path: string): Stage {
  return {
    path,
    kind: 'upsample',
    run: (context, state) => withSkips('flow', context, state, (x) => upsample(context, path, x)),
  };
}

function outputStage(config: UNetConfig): Stage {
  return {
    path: 'conv_out',
    kind: 'output',
    run: (context, state) =>
      withSkips('flow', context, state, (x) => {
        const normed = groupNorm(context, 'conv_norm_out', x, config.normNumGroups, config.normEps);
        // Always SiLU, whatever act_fn says: so it is in UNet2DModel.
        return conv2d(context, 'conv_out', context.kernels.activation(normed, 'silu'), 1, evenPadding(1));
      }),
  };
}
