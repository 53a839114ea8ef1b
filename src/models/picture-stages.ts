/**
 * Stages that networks over pictures have in common: ResNet blocks, halving, doubling, and what they do with the skips
 * between the way down and the way up.
 */
import type { Context } from '../nn/context.ts';
import { conv2d, evenPadding } from '../nn/layers.ts';
import { convolutionParameters } from '../nn/parameters.ts';
import { downsample, resamplingParameters, upsample } from '../nn/resampling.ts';
import { resnetBlock, resnetParameters, type ResnetChannels, type ResnetOptions } from '../nn/resnet.ts';
import { extentOf, type Tensor } from '../tensor/tensor.ts';
import type { Stage } from './stage.ts';

/** The state between two stages of a network over pictures. */
export interface PictureState {
  /** [B,C,H,W], what flows through. */
  readonly hidden: Tensor;
  /** What the way down has left for the way up, the latest last. */
  readonly skips: readonly Tensor[];
  /** [B,D], the embedded time and class; undefined in a network without time. */
  readonly temb?: Tensor;
}

/** What a stage does with the skips: leave its result, or take the latest one as a part of its input. */
export type SkipUse = 'keep' | 'join' | undefined;

/**
 * Runs `work` on what flows through, and does with the skips what the stage does with them.
 * @param work is told where the second of two joined pictures begins
 */
export function withSkips<S extends PictureState>(
  skip: SkipUse,
  context: Context,
  state: S,
  work: (hidden: Tensor, seam?: number) => Tensor,
): S {
  const { hidden, skips } = state;
  const latest = skips.at(-1);
  if (skip === 'join' && latest) {
    const joined = context.kernels.concatChannels(hidden, latest);
    return { ...state, hidden: work(joined, hidden.shape[1]), skips: skips.slice(0, -1) };
  }
  const result = work(hidden);
  return { ...state, hidden: result, skips: skip === 'keep' ? [...skips, result] : skips };
}

/** The stages of a block, the last of which shows its result as that of the block, too. */
export function asBlock<S extends PictureState>(path: string, stages: readonly Stage<S>[]): readonly Stage<S>[] {
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
function seenAs<S extends PictureState>(block: string, context: Context, state: S): S {
  const hidden = context.tap(block, state.hidden);
  if (hidden === state.hidden) return state;
  return { ...state, hidden, skips: state.skips.map((skip) => (skip === state.hidden ? hidden : skip)) };
}

/** A convolution of stride 1 that keeps the size: its kernel is square, and odd. */
export function convolutionStage<S extends PictureState>(
  path: string,
  from: number,
  to: number,
  kernel: number,
  skip: SkipUse,
): Stage<S> {
  return {
    path,
    kind: 'convolution',
    ...(skip && { skip }),
    parameters: convolutionParameters(path, from, to, kernel),
    run: (context, state) =>
      withSkips(skip, context, state, (x) => conv2d(context, path, x, 1, evenPadding((kernel - 1) / 2))),
  };
}

/** A ResnetBlock2D. */
export function resnetStage<S extends PictureState>(
  path: string,
  channels: ResnetChannels,
  options: ResnetOptions,
  skip?: SkipUse,
): Stage<S> {
  return {
    path,
    kind: 'resnet',
    ...(skip && { skip }),
    parameters: resnetParameters(path, channels, options),
    run: (context, state) =>
      withSkips(skip, context, state, (x, seam) => resnetBlock(context, path, x, state.temb, options, seam)),
  };
}

/**
 * Downsample2D with its convolution.
 * @param padding in pixels: 0 (a border below and at the right only) or 1
 */
export function downsampleStage<S extends PictureState>(
  path: string,
  channels: number,
  padding: number,
  skip: SkipUse,
): Stage<S> {
  return {
    path,
    kind: 'downsample',
    ...(skip && { skip }),
    parameters: resamplingParameters(path, channels),
    run: (context, state) => withSkips(skip, context, state, (x) => downsample(context, path, x, padding)),
  };
}

/**
 * Upsample2D with its convolution.
 * @param size `double`, or that of the latest skip, which is one less where the way down has halved an odd number
 */
export function upsampleStage<S extends PictureState>(
  path: string,
  channels: number,
  size: 'double' | 'of the skip',
): Stage<S> {
  return {
    path,
    kind: 'upsample',
    parameters: resamplingParameters(path, channels),
    run: (context, state) => {
      const skip = size === 'double' ? undefined : state.skips.at(-1);
      const wanted = skip && { height: extentOf(skip, 2), width: extentOf(skip, 3) };
      return withSkips(undefined, context, state, (x) => upsample(context, path, x, wanted));
    },
  };
}
