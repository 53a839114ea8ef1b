/**
 * The stages of CLIP's text encoder: the one walk through its layers (`transformers.models.clip.modeling_clip`). Module
 * paths are those of CLIPTextModel; CLIPTextModelWithProjection has `text_model.` before them.
 */
import { tensorOf } from '../../kernels/kernels.ts';
import { maskedAttention } from '../../nn/attention.ts';
import { constantOf, forEverySample } from '../../nn/attention-perturbations/constants.ts';
import type { Context } from '../../nn/context.ts';
import { layerNorm, linear } from '../../nn/layers.ts';
import { embeddingParameters, linearParameters, normParameters } from '../../nn/parameters.ts';
import { extentOf, type Tensor } from '../../tensor/tensor.ts';
import type { Stage } from '../stage.ts';
import type { ClipTextConfig } from './config.ts';
import type { ClipTextState } from './state.ts';

type TextStage = Stage<ClipTextState>;

/** The stages of the encoder that `config` describes, in the order of the forward pass. */
export function clipTextStages(config: ClipTextConfig): readonly TextStage[] {
  const causal = causalMask();
  const layers = Array.from({ length: config.numHiddenLayers }, (_, i) => `encoder.layers.${i}`);
  return [
    embeddingStage(config),
    ...layers.flatMap((path) => [attentionStage(path, config, causal), networkStage(path, config)]),
    normStage(config),
    ...(config.architecture === 'CLIPTextModelWithProjection' ? [projectionStage(config)] : []),
  ];
}

/** Token and position, added. */
function embeddingStage({ vocabSize, hiddenSize, maxPositionEmbeddings }: ClipTextConfig): TextStage {
  return {
    path: 'embeddings',
    kind: 'embedding',
    parameters: [
      ...embeddingParameters('embeddings.token_embedding', vocabSize, hiddenSize),
      ...embeddingParameters('embeddings.position_embedding', maxPositionEmbeddings, hiddenSize),
    ],
    run(context, state) {
      const tokens = context.tap('embeddings.token_embedding', state.hidden);
      const hidden = context.tap('embeddings', context.kernels.add(tokens, tensorOf(state.given, 'positions')));
      return { ...state, hidden };
    },
  };
}

/** A mask of scores, [B,h,N,M], by its extents. */
type Mask = ReturnType<typeof causalMask>;

/** No token sees those that come after it: −∞ is added to their scores. */
function causalMask() {
  return constantOf(
    forEverySample(([heads, queries, keys]) =>
      Float64Array.from({ length: heads * queries * keys }, (_, i) => {
        const [query, key] = [Math.floor(i / keys) % queries, i % keys];
        return key > query ? -Infinity : 0;
      }),
    ),
  );
}

/** x + self_attn(layer_norm1(x)). */
function attentionStage(path: string, config: ClipTextConfig, causal: Mask): TextStage {
  const { hiddenSize: size, layerNormEps: eps, numAttentionHeads: heads } = config;
  return {
    path: `${path}.self_attn`,
    kind: 'attention',
    parameters: [
      ...['k_proj', 'v_proj', 'q_proj', 'out_proj'].flatMap((part) =>
        linearParameters(`${path}.self_attn.${part}`, size, size),
      ),
      ...normParameters(`${path}.layer_norm1`, size),
    ],
    run(context, state) {
      const { kernels } = context;
      const normed = layerNorm(context, `${path}.layer_norm1`, state.hidden, eps);
      const attended = selfAttention(context, `${path}.self_attn`, normed, heads, causal);
      return { ...state, hidden: kernels.add(state.hidden, attended) };
    },
  };
}

function selfAttention(context: Context, path: string, tokens: Tensor, heads: number, causal: Mask): Tensor {
  const { kernels } = context;
  const [query, key, value] = ['q_proj', 'k_proj', 'v_proj'].map((part) =>
    linear(context, `${path}.${part}`, tokens),
  ) as [Tensor, Tensor, Tensor];
  const [batch, count, channels] = [extentOf(tokens, 0), extentOf(tokens, 1), extentOf(tokens, 2)];
  const mix = maskedAttention(context, path, causal([batch, heads, count, count], tokens.dtype));
  const scale = 1 / Math.sqrt(channels / heads);
  const grid = { height: 1, width: count };
  const mixed = mix({ kernels, query: () => query, key: () => key, value, heads, scale, ...grid });
  return context.tap(path, linear(context, `${path}.out_proj`, mixed));
}

/** x + mlp(layer_norm2(x)); what comes of it is the layer's output. */
function networkStage(path: string, config: ClipTextConfig): TextStage {
  const { hiddenSize: size, intermediateSize: inner, layerNormEps: eps, hiddenAct } = config;
  return {
    path: `${path}.mlp`,
    kind: 'feed-forward',
    parameters: [
      ...linearParameters(`${path}.mlp.fc1`, size, inner),
      ...linearParameters(`${path}.mlp.fc2`, inner, size),
      ...normParameters(`${path}.layer_norm2`, size),
    ],
    run(context, state) {
      const { kernels } = context;
      const normed = layerNorm(context, `${path}.layer_norm2`, state.hidden, eps);
      const widened = kernels.activation(linear(context, `${path}.mlp.fc1`, normed), hiddenAct);
      const out = context.tap(`${path}.mlp`, linear(context, `${path}.mlp.fc2`, widened));
      return { ...state, hidden: context.tap(path, kernels.add(state.hidden, out)) };
    },
  };
}

/** The last norm, and the pooled text: what the norm makes of one token, `pooled` [B,C]. */
function normStage({ hiddenSize, layerNormEps }: ClipTextConfig): TextStage {
  return {
    path: 'final_layer_norm',
    kind: 'output',
    parameters: normParameters('final_layer_norm', hiddenSize),
    run(context, state) {
      const hidden = layerNorm(context, 'final_layer_norm', state.hidden, layerNormEps);
      context.tap('pooled', pooled(context, hidden, tensorOf(state.given, 'pool')));
      return { ...state, hidden };
    },
  };
}

/** One token of each sample, [B,C]. @param pool [B,1,1,N], 1 where it stands, else 0 */
function pooled({ kernels }: Context, hidden: Tensor, pool: Tensor): Tensor {
  return kernels.reshape(kernels.applyAttentionMap(pool, hidden), [extentOf(hidden, 2)]);
}

/** The embedding of the whole text, `text_projection` [B,P]. */
function projectionStage({ hiddenSize, projectionDim }: ClipTextConfig): TextStage {
  return {
    path: 'text_projection',
    kind: 'projection',
    parameters: linearParameters('text_projection', hiddenSize, projectionDim, false),
    run(context, state) {
      linear(context, 'text_projection', pooled(context, state.hidden, tensorOf(state.given, 'pool')));
      return state;
    },
  };
}
