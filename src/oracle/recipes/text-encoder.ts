/**
 * A text encoder of CLIP. The taps are all modules, `pooled` [B,C], what stands where the text ends, and, with a
 * projection, `text_projection`.
 */
import type { Watcher } from '../../models/passes.ts';
import { weight } from '../../nn/context.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { TextEncoderSubject } from '../case.ts';
import { entryOf } from '../lookup.ts';
import { buildTextEncoder } from './build.ts';
import { tracedOnce, watcherOf, type Means, type Recipe } from './recipe.ts';

/** What a text encoder makes of tokens. */
export interface TracedText {
  /** [B,N,C], normed at the end. */
  readonly last: Tensor;
  /** The one before it, [B,N,C], as an implementation takes it for SDXL. */
  readonly penultimate: () => Tensor;
  /** [B,P], of an encoder with a projection. */
  readonly embeds: Tensor | undefined;
}

/** The taps are those of `encodeTokens`. */
export function textEncoderRecipe({ config, inputIds }: TextEncoderSubject): Recipe {
  return (means) => {
    encodeTokens(means, config, inputIds);
  };
}

/**
 * Runs a text encoder, and shows every module of it.
 * @param prefix of the names of the taps
 */
export function encodeTokens(
  means: Means,
  config: TextEncoderSubject['config'],
  inputIds: TextEncoderSubject['inputIds'],
  prefix = '',
): TracedText {
  const { kernels, penultimate } = means.implementation;
  const model = buildTextEncoder(config, means);
  const seen = new Map<string, Tensor>();
  const shown = watcherOf(means, prefix);
  const watcher: Watcher = {
    watches: shown.watches,
    tap(path, value) {
      const next = shown.tap(path, value);
      seen.set(path, next);
      return next;
    },
  };
  const { numHiddenLayers, layerNormEps: eps } = model.config;
  const last = tracedOnce(means, model, { inputIds }, watcher);
  const layers = Array.from({ length: numHiddenLayers }, (_, i) => `encoder.layers.${i}`);
  const hiddenStates = ['embeddings', ...layers].map((path) => entryOf(seen, path));
  const norm = (x: Tensor): Tensor => {
    const [scale, bias] = ['weight', 'bias'].map((part) =>
      weight({ kernels, weights: model.weights, ...shown }, `final_layer_norm.${part}`),
    ) as [Tensor, Tensor];
    return kernels.layerNorm(x, scale, bias, eps);
  };
  return { last, penultimate: () => penultimate(hiddenStates, norm), embeds: seen.get('text_projection') };
}
