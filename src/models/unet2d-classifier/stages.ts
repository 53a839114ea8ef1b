/**
 * The stages of a noise-aware classifier: those of a UNet2DModel as far as its middle, and a pooling (the
 * `EncoderUNetModel` of Dhariwal & Nichol 2021, arXiv 2105.05233, appendix H; with attention for a pooling).
 */
import { groupNorm } from '../../nn/layers.ts';
import { normParameters } from '../../nn/parameters.ts';
import { picturePooling, picturePoolingParameters } from '../../nn/picture-pooling.ts';
import { lastOf } from '../../tensor/at.ts';
import type { Stage } from '../stage.ts';
import { encoderStages } from '../unet2d/stages.ts';
import type { UNetState } from '../unet2d/state.ts';
import type { UNetClassifierConfig } from './config.ts';

/** The stages of the classifier that `config` describes, in the order of the forward pass. */
export function unetClassifierStages(config: UNetClassifierConfig): readonly Stage<UNetState>[] {
  return [...encoderStages(config.encoder), poolingStage(config)];
}

/** Norm, SiLU, and attention of the mean of all pixels: what is left is a number for each class, [B,K]. */
function poolingStage({ encoder, sampleSize: [height, width], numClasses }: UNetClassifierConfig): Stage<UNetState> {
  const { blockOutChannels, attentionHeadDim, normNumGroups, normEps } = encoder;
  const channels = lastOf(blockOutChannels);
  const halvings = 2 ** (blockOutChannels.length - 1);
  const pixels = (height / halvings) * (width / halvings);
  const heads = channels / (attentionHeadDim ?? channels);
  return {
    path: 'pool',
    kind: 'output',
    parameters: [
      ...normParameters('norm_out', channels),
      ...picturePoolingParameters('pool', channels, pixels, numClasses),
    ],
    run(context, state) {
      const normed = groupNorm(context, 'norm_out', state.hidden, normNumGroups, normEps);
      const hidden = picturePooling(context, 'pool', context.kernels.activation(normed, 'silu'), heads);
      // Nobody asks for what the way down has left.
      return { ...state, hidden, skips: [] };
    },
  };
}
