/**
 * Self-attention over the picture (`diffusers.models.attention_processor.Attention` as UNet2DModel builds it), and the
 * place where Perturbed-Attention Guidance acts: `mix`, the one layer in which a pixel sees another pixel, is an
 * argument.
 */
import type { Tensor } from '../tensor/tensor.ts';
import type { Kernels } from '../kernels/kernels.ts';
import type { Context } from './context.ts';
import { groupNorm, linear } from './layers.ts';
import { rescale } from './resnet.ts';

export interface AttentionOptions {
  readonly heads: number;
  /** Groups of the norm before the projections; without it there is no norm. */
  readonly groups: number | undefined;
  readonly eps: number;
  readonly rescaleOutputFactor: number;
}

/** What an attention layer knows when it mixes its tokens. Query and key are computed only for those who ask. */
export interface AttentionInput {
  readonly kernels: Kernels;
  query(): Tensor;
  key(): Tensor;
  /** [B,N,D], N = height · width, D = heads · d. */
  readonly value: Tensor;
  readonly heads: number;
  /** 1/√d. */
  readonly scale: number;
  readonly height: number;
  readonly width: number;
}

/** A way to mix the values of all tokens: [B,N,D]. Softmax attention is one; a perturbation replaces it. */
export interface AttentionMixer {
  /** Names the mixer and its parameters: two mixers of one key compute the same. */
  readonly key: string;
  /** Without it the whole layer is left out. */
  readonly mix: ((input: AttentionInput) => Tensor) | undefined;
}

/** SA = softmax(Q Kᵀ / √d) V, per head (PAG paper, eq. 11). */
export const softmaxAttention: AttentionMixer = {
  key: 'softmax',
  mix: ({ kernels, query, key, value, heads, scale }) => kernels.attention(query(), key(), value, heads, scale),
};

/**
 * out = (x + to_out(mix(to_q, to_k, to_v of the normed tokens))) / rescaleOutputFactor
 * @param x [B,C,H,W]
 * @returns the same shape
 */
export function attention(
  context: Context,
  path: string,
  x: Tensor,
  options: AttentionOptions,
  mixer: AttentionMixer,
): Tensor {
  if (!mixer.mix) return context.tap(path, x);
  const { kernels } = context;
  const [, , height, width] = x.shape as [number, number, number, number];
  const { heads, groups, eps } = options;

  const normed = groups === undefined ? x : groupNorm(context, `${path}.group_norm`, x, groups, eps);
  const tokens = kernels.toTokens(normed);
  const query = once(() => linear(context, `${path}.to_q`, tokens));
  const key = once(() => linear(context, `${path}.to_k`, tokens));
  const value = linear(context, `${path}.to_v`, tokens);
  const scale = 1 / Math.sqrt(value.shape[2] / heads);

  // Only a watched map is ever computed whole.
  if (mixer === softmaxAttention && context.watches(`${path}.map`)) {
    context.tap(`${path}.map`, kernels.attentionMap(query(), key(), heads, scale));
  }
  const mixed = mixer.mix({ kernels, query, key, value, heads, scale, height, width });

  const out = kernels.fromTokens(linear(context, `${path}.to_out.0`, mixed), height, width);
  return context.tap(path, rescale(context, kernels.add(out, x), options.rescaleOutputFactor));
}

/** `make`, called at most once. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
