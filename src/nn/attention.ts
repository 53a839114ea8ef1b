/**
 * Attention over tokens (`diffusers.models.attention_processor.Attention`): the one layer in which a pixel sees another
 * pixel, and the place where Perturbed-Attention Guidance acts. `mix` is an argument.
 */
import { mustBe, type Check } from '../tensor/checks.ts';
import { extentOf, type Tensor } from '../tensor/tensor.ts';
import type { Kernels } from '../kernels/kernels.ts';
import type { Context } from './context.ts';
import { linear } from './layers.ts';
import { linearParameters, type Parameter } from './parameters.ts';

/** What an attention layer knows when it mixes its tokens. Query and key are computed only for those who ask. */
export interface AttentionInput {
  readonly kernels: Kernels;
  /** [B,N,D], N = height · width, D = heads · d. */
  query(): Tensor;
  /** [B,M,D]; in self-attention M is N. */
  key(): Tensor;
  /** [B,M,D]. */
  readonly value: Tensor;
  /** Of cross-attention: another text that may be asked besides, where the model is given one. */
  readonly other?: OtherTokens;
  readonly heads: number;
  /** 1/√d. */
  readonly scale: number;
  /** Of the picture whose pixels ask, in tokens. */
  readonly height: number;
  readonly width: number;
}

/** Other tokens than those that a layer asks, through the same projections. Computed only for those who ask. */
export interface OtherTokens {
  /** [B,M′,D]. */
  key(): Tensor;
  /** [B,M′,D]. */
  value(): Tensor;
}

/** Mixes the values of all tokens; what comes out is [B,N,D]. */
export type Mix = (input: AttentionInput) => Tensor;

/** A named way to mix. Softmax attention is one; a perturbation replaces it. */
export interface AttentionMixer {
  /** Names the mixer and its parameters: two mixers of one key compute the same. */
  readonly key: string;
  /** In which layers it may stand: in self-attention unless given. */
  readonly site?: 'self' | 'cross';
  /** Without it the whole layer is left out. */
  readonly mix: Mix | undefined;
  /** What becomes of the tokens [B,N,C] before the layer: those that it is given, and those that it is added to. */
  readonly before?: (kernels: Kernels, tokens: Tensor) => Tensor;
}

/** A mixer, and not the name of one. */
export const aMixer: Check = mustBe('an AttentionMixer, as identity or uniformAttention()', (value) => {
  const { key, mix } = Object(value) as Partial<AttentionMixer>;
  return typeof key === 'string' && (mix === undefined || typeof mix === 'function');
});

/** A mixer that does mix. */
export interface MixingMixer extends AttentionMixer {
  readonly mix: Mix;
}

/** SA = softmax(Q Kᵀ / √d) V, per head (PAG paper, eq. 11). */
export const softmaxAttention: MixingMixer = {
  key: 'softmax',
  mix: ({ kernels, query, key, value, heads, scale }) => kernels.attention(query(), key(), value, heads, scale),
};

/** How the tokens of a picture lie, row by row: height · width = N. */
export interface Grid {
  readonly height: number;
  readonly width: number;
}

/**
 * to_out(mix(to_q(tokens), to_k(source), to_v(source))). The map of softmax attention is shown as `path.map`,
 * [B,h,N,M], to those who watch it.
 * @param path the module's path, under which its weights are found
 * @param tokens [B,N,C], N = height · width; they ask
 * @param source [B,M,C′], the tokens that are asked: the same ones in self-attention
 * @param heads they divide the channels between the projections
 * @param mix softmax attention, or what takes its place
 * @param others [B,M′,C′], tokens that `mix` may ask besides
 * @returns [B,N,C]
 * @throws InputError when a weight is missing, or does not fit
 */
export function attention(
  context: Context,
  path: string,
  tokens: Tensor,
  source: Tensor,
  heads: number,
  mix: Mix,
  { height, width }: Grid,
  others?: Tensor,
): Tensor {
  const { kernels } = context;
  const query = once(() => linear(context, `${path}.to_q`, tokens));
  const key = once(() => linear(context, `${path}.to_k`, source));
  const value = linear(context, `${path}.to_v`, source);
  const scale = 1 / Math.sqrt(extentOf(value, 2) / heads);

  // Only a watched map is ever computed whole.
  if (mix === softmaxAttention.mix && context.watches(`${path}.map`)) {
    context.tap(`${path}.map`, kernels.attentionMap(query(), key(), heads, scale));
  }
  const other = others && {
    key: once(() => linear(context, `${path}.to_k`, others)),
    value: once(() => linear(context, `${path}.to_v`, others)),
  };
  const input = { kernels, query, key, value, heads, scale, height, width, ...(other && { other }) };
  return linear(context, `${path}.to_out.0`, mix(input));
}

/**
 * Softmax attention to some keys only: softmax(Q Kᵀ / √d + mask) V. Its map is shown as `path.map`.
 * @param path of the layer
 * @param mask [B,h,N,M], what is added to the scores: 0 for a key that counts, far below 0 for one that does not
 */
export function maskedAttention(context: Context, path: string, mask: Tensor): Mix {
  return ({ kernels, query, key, value, heads, scale }) => {
    const scores = kernels.attentionScores(query(), key(), heads, scale);
    const map = context.tap(`${path}.map`, kernels.softmax(kernels.add(scores, mask)));
    return kernels.applyAttentionMap(map, value);
  };
}

/** Where an attention layer is not as in UNet2DModel. */
export interface AttentionParameterOptions {
  /** Channels of the tokens that are asked; those of the tokens that ask unless given. */
  readonly source?: number;
  /** Whether the projections of query, key and value have a bias; they do unless this is false. */
  readonly bias?: boolean;
}

/**
 * The parameters of attention.
 * @param channels of its tokens
 * @param inner channels between the projections, heads · d
 */
export function attentionParameters(
  path: string,
  channels: number,
  inner: number,
  { source = channels, bias = true }: AttentionParameterOptions = {},
): readonly Parameter[] {
  return [
    ...linearParameters(`${path}.to_q`, channels, inner, bias),
    ...linearParameters(`${path}.to_k`, source, inner, bias),
    ...linearParameters(`${path}.to_v`, source, inner, bias),
    ...linearParameters(`${path}.to_out.0`, inner, channels),
  ];
}

/** `make`, called at most once. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
