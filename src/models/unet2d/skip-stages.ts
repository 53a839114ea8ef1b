/**
 * What score_sde's blocks have beside ResNet blocks and attention (Song et al. 2021, arXiv 2011.13456; diffusers'
 * `SkipDownBlock2D`, `SkipUpBlock2D` and those with attention): the way down looks at the sample itself, the way up
 * draws a picture beside what flows, and both are resized by a filter.
 */
import type { Context } from '../../nn/context.ts';
import { firDown, firUp } from '../../nn/fir.ts';
import { conv2d, evenPadding, groupNorm } from '../../nn/layers.ts';
import { convolutionParameters, normParameters } from '../../nn/parameters.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Stage } from '../stage.ts';
import { skipGroups } from './config.ts';
import type { UNetState } from './state.ts';

/** Channels of the sample and of what is drawn. */
const pictureChannels = 3;

/**
 * The end of a block of the way down: the sample is halved, and what a convolution sees in it is added to what flows.
 * @param block its path
 */
export function skipInputStage(block: string, channels: number): Stage<UNetState> {
  const path = `${block}.skip_conv`;
  return {
    path,
    kind: 'convolution',
    skip: 'keep',
    parameters: convolutionParameters(path, pictureChannels, channels, 1),
    run(context, state) {
      const { hidden, skips, skipInput = hidden } = state;
      const halved = firDown(context.kernels, skipInput);
      const sum = context.kernels.add(conv2d(context, path, halved, 1, evenPadding(0)), hidden);
      return { ...state, hidden: sum, skips: [...skips, sum], skipInput: halved };
    },
  };
}

/**
 * The end of a block of the way up: what has been drawn is doubled, and what is seen in what flows is drawn upon it;
 * then `resnetUp` doubles what flows.
 * @param block its path
 * @param resnetUp the last ResNet block
 */
export function skipOutputStage(
  block: string,
  channels: number,
  eps: number,
  resnetUp: Stage<UNetState>,
): Stage<UNetState> {
  return {
    ...resnetUp,
    parameters: [
      ...resnetUp.parameters,
      ...convolutionParameters(`${block}.skip_conv`, channels, pictureChannels, 3),
      ...normParameters(`${block}.skip_norm`, channels),
    ],
    run(context, state, perturbation) {
      const normed = groupNorm(context, `${block}.skip_norm`, state.hidden, skipGroups(channels), eps);
      // Always SiLU, whatever act_fn says: so it is in these blocks.
      const active = context.kernels.activation(normed, 'silu');
      const seen = conv2d(context, `${block}.skip_conv`, active, 1, evenPadding(1));
      const drawn = doubled(context, state.skipOutput);
      const skipOutput = drawn ? context.kernels.add(drawn, seen) : seen;
      return { ...resnetUp.run(context, state, perturbation), skipOutput };
    },
  };
}

/** The last stage of the last block of the way up, with which what has been drawn is doubled. */
export function skipLastStage(last: Stage<UNetState>): Stage<UNetState> {
  return {
    ...last,
    run(context, state, perturbation) {
      const drawn = doubled(context, state.skipOutput);
      return { ...last.run(context, state, perturbation), ...(drawn && { skipOutput: drawn }) };
    },
  };
}

function doubled(context: Context, drawn: Tensor | undefined): Tensor | undefined {
  return drawn && firUp(context.kernels, drawn);
}
