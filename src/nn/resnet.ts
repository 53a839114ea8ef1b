/** The residual block (`diffusers.models.resnet.ResnetBlock2D`): where the picture meets the time. */
import { extentOf, type Tensor } from '../tensor/tensor.ts';
import type { Activation } from '../kernels/kernels.ts';
import type { Context } from './context.ts';
import { firDown, firUp } from './fir.ts';
import { joinedConv2d, seamAfterNorm } from './joined.ts';
import { conv2d, evenPadding, groupNorm, linear } from './layers.ts';
import { convolutionParameters, linearParameters, normParameters, type Parameter } from './parameters.ts';

/** How a ResnetBlock2D is built, named as in diffusers. */
export interface ResnetOptions {
  /** Of both norms; they divide the channels of input and output. */
  readonly groups: number;
  /** Of the second norm, where it has others. */
  readonly groupsOut?: number;
  /** Of both norms: added to the variance. */
  readonly eps: number;
  readonly activation: Activation;
  /** How time enters: added before the second norm, or as scale and shift after it. */
  readonly timeScaleShift: 'default' | 'scale_shift';
  /** What the sum of both branches is divided by; not 0. */
  readonly outputScaleFactor: number;
  /** `up` and `down` resize both branches after the first activation. */
  readonly resize?: 'up' | 'down';
  /** How they are resized: by a filter of four taps, where it is not by repeating and averaging pixels. */
  readonly kernel?: 'fir';
  /** `use_in_shortcut`: the shortcut is a convolution although the channels do not change. */
  readonly useInShortcut?: boolean;
  /** `skip_time_act`: the embedded time has been through the activation already. */
  readonly skipTimeAct?: boolean;
}

/**
 * out = (shortcut(x) + conv2(act(norm2(conv1(act(norm1(x))) + time)))) / outputScaleFactor
 * @param path the module's path, under which its weights are found and its values shown
 * @param x [B,C,H,W]
 * @param temb [B,D], the embedded time and class; undefined in a block without time
 * @param seam where x is two pictures (see joined.ts): the channel with which the second begins
 * @returns [B,O,H,W], or with H and W twice or half as large
 * @throws InputError when a weight is missing, or does not fit
 */
export function resnetBlock(
  context: Context,
  path: string,
  x: Tensor,
  temb: Tensor | undefined,
  options: ResnetOptions,
  seam?: number,
): Tensor {
  const { kernels } = context;
  const { groups, groupsOut = groups, eps, activation } = options;
  const act = (value: Tensor): Tensor => kernels.activation(value, activation);
  const resize = (value: Tensor): Tensor => resized(context, value, options);

  let h = resize(act(groupNorm(context, `${path}.norm1`, x, groups, eps)));
  h = joinedConv2d(context, `${path}.conv1`, h, evenPadding(1), seamAfterNorm(seam, extentOf(x, 1), groups));

  const time = temb && linear(context, `${path}.time_emb_proj`, options.skipTimeAct ? temb : act(temb));
  if (!time || options.timeScaleShift === 'default') {
    h = groupNorm(context, `${path}.norm2`, time ? kernels.add(h, time) : h, groupsOut, eps);
  } else {
    const channels = extentOf(h, 1);
    const scale = kernels.affine(kernels.sliceChannels(time, 0, channels), 1, 1);
    const shift = kernels.sliceChannels(time, channels, 2 * channels);
    h = groupNorm(context, `${path}.norm2`, h, groupsOut, eps);
    h = kernels.add(kernels.multiply(h, scale), shift);
  }
  h = conv2d(context, `${path}.conv2`, act(h), 1, evenPadding(1));

  let shortcut = resize(x);
  if (context.weights.has(`${path}.conv_shortcut.weight`)) {
    shortcut = joinedConv2d(context, `${path}.conv_shortcut`, shortcut, evenPadding(0), seam);
  }
  return context.tap(path, rescale(context, kernels.add(shortcut, h), options.outputScaleFactor));
}

function resized({ kernels }: Context, x: Tensor, { resize, kernel }: ResnetOptions): Tensor {
  if (resize === undefined) return x;
  if (kernel === 'fir') return resize === 'up' ? firUp(kernels, x) : firDown(kernels, x);
  return resize === 'up' ? kernels.upsampleNearest2x(x) : kernels.averagePool2x(x);
}

/** Channels of a ResnetBlock2D: of its input, of its output, and of the embedded time, where it has one. */
export interface ResnetChannels {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly timeChannels: number | undefined;
}

/** The parameters of a ResnetBlock2D; the shortcut has a convolution where the channels change. */
export function resnetParameters(
  path: string,
  { inChannels, outChannels, timeChannels }: ResnetChannels,
  { timeScaleShift, useInShortcut = false }: Pick<ResnetOptions, 'timeScaleShift' | 'useInShortcut'>,
): readonly Parameter[] {
  const hasShortcut = useInShortcut || inChannels !== outChannels;
  const fromTime = timeScaleShift === 'scale_shift' ? 2 * outChannels : outChannels;
  return [
    ...normParameters(`${path}.norm1`, inChannels),
    ...convolutionParameters(`${path}.conv1`, inChannels, outChannels, 3),
    ...(timeChannels === undefined ? [] : linearParameters(`${path}.time_emb_proj`, timeChannels, fromTime)),
    ...normParameters(`${path}.norm2`, outChannels),
    ...convolutionParameters(`${path}.conv2`, outChannels, outChannels, 3),
    ...(hasShortcut ? convolutionParameters(`${path}.conv_shortcut`, inChannels, outChannels, 1) : []),
  ];
}

/** x / factor; for the factor 1 that is x, bit for bit. */
export function rescale(context: Context, x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : context.kernels.divide(x, factor);
}
