/**
 * Self-attention over a picture, as UNet2DModel has it: norm, attention over the pixels as tokens, and the input added
 * again (`diffusers.models.attention_processor.Attention` with `residual_connection`).
 */
import { extentOf, type Tensor } from '../tensor/tensor.ts';
import { attention, attentionParameters, type AttentionMixer } from './attention.ts';
import type { Context } from './context.ts';
import { groupNorm } from './layers.ts';
import { normParameters, type Parameter } from './parameters.ts';
import { rescale } from './resnet.ts';

/** How an attention block is built, named as in diffusers. */
export interface AttentionBlockOptions {
  /** They divide the channels between the projections. */
  readonly heads: number;
  /** Groups of the norm before the projections; without it there is no norm. */
  readonly groups: number | undefined;
  /** Of the norm: added to the variance. */
  readonly eps: number;
  /** What the sum of input and attention is divided by; not 0. */
  readonly rescaleOutputFactor: number;
}

/**
 * out = (x + attention(norm(x))) / rescaleOutputFactor
 * @param path the module's path, under which its weights are found and its values shown
 * @param x [B,C,H,W]
 * @param mixer softmax attention or what takes its place; without `mix` the whole block is left out
 * @returns [B,C,H,W]
 * @throws InputError when a weight is missing, or does not fit
 */
export function attentionBlock(
  context: Context,
  path: string,
  x: Tensor,
  { heads, groups, eps, rescaleOutputFactor }: AttentionBlockOptions,
  mixer: AttentionMixer,
): Tensor {
  if (!mixer.mix) return context.tap(path, x);
  const { kernels } = context;
  const [height, width] = [extentOf(x, 2), extentOf(x, 3)];
  const before = mixer.before ? kernels.fromTokens(mixer.before(kernels, kernels.toTokens(x)), height, width) : x;
  const normed = groups === undefined ? before : groupNorm(context, `${path}.group_norm`, before, groups, eps);
  const tokens = kernels.toTokens(normed);
  const mixed = attention(context, path, tokens, tokens, heads, mixer.mix, { height, width });
  const out = kernels.fromTokens(mixed, height, width);
  return context.tap(path, rescale(context, kernels.add(out, before), rescaleOutputFactor));
}

/**
 * The parameters of an attention block.
 * @param channels of its input and output
 * @param inner channels between the projections, heads · d
 */
export function attentionBlockParameters(
  path: string,
  channels: number,
  inner: number,
  { groups }: Pick<AttentionBlockOptions, 'groups'>,
): readonly Parameter[] {
  return [
    ...(groups === undefined ? [] : normParameters(`${path}.group_norm`, channels)),
    ...attentionParameters(path, channels, inner),
  ];
}
