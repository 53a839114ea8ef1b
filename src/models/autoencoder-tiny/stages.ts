/**
 * The stages of AutoencoderTiny's two ways: the one walk through the layers of each, which diffusers numbers
 * (`diffusers.models.autoencoders.vae.EncoderTiny`, `DecoderTiny`).
 */
import type { Context } from '../../nn/context.ts';
import { conv2d, evenPadding, upsampleConv2d } from '../../nn/layers.ts';
import { convolutionParameters, type Parameter } from '../../nn/parameters.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { withSkips, type PictureState } from '../picture-stages.ts';
import type { Stage, StageKind } from '../stage.ts';
import type { AutoencoderTinyConfig } from './config.ts';

/**
 * A layer before it has its number, and what it takes of the count: a number each for the modules that it is made of.
 */
interface Layer {
  readonly kind: StageKind;
  /** Modules without weights that stand before and behind it, and are done with it. */
  readonly before: number;
  readonly behind: number;
  parameters(path: string): readonly Parameter[];
  run(context: Context, path: string, x: Tensor): Tensor;
}

/** From a picture in [−1, 1] to latents. */
export function tinyEncoderStages(config: AutoencoderTinyConfig): readonly Stage<PictureState>[] {
  const { inChannels, latentChannels, encoderChannels: channels, numEncoderBlocks } = config;
  const layers = numEncoderBlocks.flatMap((blocks, i) => [
    i === 0 ? convolution(inChannels, channels) : halving(channels),
    ...repeated(blocks, block(config, channels)),
  ]);
  return numbered('encoder', [...layers, convolution(channels, latentChannels)], {
    // The network knows pictures in [0, 1].
    first: ({ kernels }, x) => kernels.affine(x, 0.5, 0.5),
    last: (_context, x) => x,
  });
}

/** From latents to a picture, about in [−1, 1]. */
export function tinyDecoderStages(config: AutoencoderTinyConfig): readonly Stage<PictureState>[] {
  const { outChannels, latentChannels, decoderChannels: channels, numDecoderBlocks, activation } = config;
  const last = numDecoderBlocks.length - 1;
  const first: Layer = {
    ...convolution(latentChannels, channels),
    behind: 1,
    run: (context, path, x) => context.kernels.activation(conv2d(context, path, x, 1, evenPadding(1)), activation),
  };
  const layers = numDecoderBlocks.flatMap((blocks, i) => [
    ...repeated(blocks, block(config, channels)),
    i === last ? convolution(channels, outChannels) : doubling(channels),
  ]);
  return numbered('decoder', [first, ...layers], {
    first: ({ kernels }, x) => kernels.affine(kernels.activation(kernels.divide(x, clampedAt), 'tanh'), clampedAt, 0),
    last: ({ kernels }, x) => kernels.affine(x, 2, -1),
  });
}

/** Latents are bent to lie within ±3. */
const clampedAt = 3;

/** What is done to the sample before the first layer, and to the output of the last one. */
interface Ends {
  first(context: Context, x: Tensor): Tensor;
  last(context: Context, x: Tensor): Tensor;
}

/** The layers as stages, each under the number that it has in diffusers. */
function numbered(way: string, layers: readonly Layer[], ends: Ends): readonly Stage<PictureState>[] {
  let next = 0;
  return layers.map((layer, i) => {
    const path = `${way}.layers.${next + layer.before}`;
    next += layer.before + 1 + layer.behind;
    return {
      path,
      kind: layer.kind,
      parameters: layer.parameters(path),
      run: (context, state) =>
        withSkips(undefined, context, state, (x) => {
          const out = layer.run(context, path, i === 0 ? ends.first(context, x) : x);
          if (i < layers.length - 1) return out;
          return context.tap(way, ends.last(context, context.tap(`${way}.layers`, out)));
        }),
    };
  });
}

function repeated(count: number, layer: Layer): readonly Layer[] {
  return Array.from({ length: count }, () => layer);
}

function convolution(from: number, to: number): Layer {
  return {
    kind: 'convolution',
    before: 0,
    behind: 0,
    parameters: (path) => convolutionParameters(path, from, to, 3),
    run: (context, path, x) => conv2d(context, path, x, 1, evenPadding(1)),
  };
}

/** The weight of a convolution without a bias. */
function weightOnly(path: string, channels: number): readonly Parameter[] {
  return convolutionParameters(path, channels, channels, 3).filter(({ name }) => name.endsWith('.weight'));
}

function halving(channels: number): Layer {
  return {
    kind: 'downsample',
    before: 0,
    behind: 0,
    parameters: (path) => weightOnly(path, channels),
    run: (context, path, x) => conv2d(context, path, x, 2, evenPadding(1)),
  };
}

/** The doubling itself is a module of its own, before the convolution. */
function doubling(channels: number): Layer {
  return {
    kind: 'upsample',
    before: 1,
    behind: 0,
    parameters: (path) => weightOnly(path, channels),
    run: (context, path, x) => upsampleConv2d(context, path, x),
  };
}

/** AutoencoderTinyBlock: three convolutions, added to what came; ReLU at the end, whatever act_fn says. */
function block({ activation }: AutoencoderTinyConfig, channels: number): Layer {
  const places = [0, 2, 4] as const;
  return {
    kind: 'resnet',
    before: 0,
    behind: 0,
    parameters: (path) => places.flatMap((i) => convolutionParameters(`${path}.conv.${i}`, channels, channels, 3)),
    run(context, path, x) {
      const { kernels } = context;
      const out = places.reduce((h, i) => {
        const convolved = conv2d(context, `${path}.conv.${i}`, h, 1, evenPadding(1));
        return i < 4 ? kernels.activation(convolved, activation) : convolved;
      }, x);
      return context.tap(path, kernels.activation(kernels.add(context.tap(`${path}.conv`, out), x), 'relu'));
    },
  };
}
