/**
 * A denoiser of points in the plane that is small enough to be trained while one looks on. A point is a picture of two
 * pixels, how far across it lies and how far up; each is a token, and whatever one knows of the other it knows through
 * self-attention. All else treats them apart, so that with the identity in every layer neither sees the other.
 */
import { tensorOf } from '../../kernels/kernels.ts';
import { checkIsInput, checkSample, checkTimesteps, perSample } from '../../models/inputs.ts';
import type { Architecture, Model, ModelInput } from '../../models/model.ts';
import type { Stage } from '../../models/stage.ts';
import { attention, attentionParameters, softmaxAttention, type Grid } from '../../nn/attention.ts';
import type { Context } from '../../nn/context.ts';
import { sinusoid, timestepEmbedding, timestepEmbeddingParameters } from '../../nn/embeddings.ts';
import { layerNorm, linear } from '../../nn/layers.ts';
import { linearParameters, normParameters } from '../../nn/parameters.ts';
import { cast } from '../../tensor/rounding.ts';
import { extentOf, tensor, type DType, type Tensor } from '../../tensor/tensor.ts';

/** How large it is. */
export interface PlaneModelConfig {
  /** Channels of a token. */
  readonly channels: number;
  /** Blocks of attention and feed-forward network. */
  readonly blocks: number;
  /** Attention heads; they divide the channels. */
  readonly heads: number;
}

/** What runs through the stages. */
export interface PlaneState {
  /** [B,2,C], the two coordinates. */
  readonly tokens: Tensor;
  /** [B,C], the time. */
  readonly time: Tensor;
}

type PlaneStage = Stage<PlaneState>;
/** A model of points in the plane. */
export type PlaneModel = Model<PlaneModelConfig, ModelInput, PlaneState>;

/** How the two tokens of a point lie. */
const grid: Grid = { height: 1, width: 2 };
const eps = 1e-5;

/** The network without its weights; its samples are [B,1,1,2]. */
export function planeArchitecture(config: PlaneModelConfig): Architecture<PlaneModelConfig, ModelInput, PlaneState> {
  const { channels } = config;
  return {
    family: 'the model of points',
    config,
    inChannels: 1,
    outChannels: 1,
    stages: planeStages(config),
    check(input) {
      checkIsInput(input, 'an object { sample, timesteps }');
      checkSample(input.sample, 1, 1);
      checkTimesteps(input);
    },
    tensors({ sample, timesteps }, _weights, dtype) {
      const batch = extentOf(sample, 0);
      const time = sinusoid(perSample(timesteps, batch), channels, true, 0, dtype);
      return { sample: cast(sample, dtype), place: placesOf(batch, dtype), time };
    },
    begin: ({ kernels }, given) => ({
      tokens: kernels.toTokens(kernels.concatChannels(tensorOf(given, 'sample'), tensorOf(given, 'place'))),
      time: tensorOf(given, 'time'),
    }),
    end: ({ tokens }) => tokens,
    finish: (prediction) => prediction,
    learning: () => ({ tables: [], embeddings: [], scale: undefined }),
  };
}

/** [B,1,1,2]: which coordinate is which, −1 across and 1 up. */
function placesOf(batch: number, dtype: DType): Tensor {
  const places = Float64Array.from({ length: 2 * batch }, (_, i) => (i % 2 === 0 ? -1 : 1));
  return cast(tensor('f64', [batch, 1, 1, 2], places), dtype);
}

function planeStages({ channels, blocks, heads }: PlaneModelConfig): readonly PlaneStage[] {
  return [
    {
      path: 'time_embedding',
      kind: 'embedding',
      parameters: timestepEmbeddingParameters('time_embedding', channels, channels),
      run: (context, state) => ({ ...state, time: timestepEmbedding(context, 'time_embedding', state.time) }),
    },
    {
      path: 'proj_in',
      kind: 'projection',
      parameters: linearParameters('proj_in', 2, channels),
      run: (context, state) => ({ ...state, tokens: linear(context, 'proj_in', state.tokens) }),
    },
    ...Array.from({ length: blocks }, (_, i) => [
      attentionStage(`blocks.${i}.attention`, channels, heads),
      feedForwardStage(`blocks.${i}.feed_forward`, channels),
    ]).flat(),
    outputStage(channels),
  ];
}

/** h + attention(norm(h)): the only stage in which the coordinates see one another. */
function attentionStage(path: string, channels: number, heads: number): PlaneStage {
  return {
    path,
    kind: 'attention',
    site: { kind: 'self', heads },
    parameters: [...normParameters(`${path}.norm`, channels), ...attentionParameters(path, channels, channels)],
    run(context, { tokens, time }, perturbation) {
      const normed = layerNorm(context, `${path}.norm`, tokens, eps);
      const mix = (perturbation.get(path) ?? softmaxAttention).mix;
      if (!mix) return { tokens, time };
      const seen = attention(context, path, normed, normed, heads, mix, grid);
      return { tokens: context.tap(path, context.kernels.add(tokens, seen)), time };
    },
  };
}

/** h + W₂ silu(W₁ norm(h) + W₃ silu(time)), token by token. */
function feedForwardStage(path: string, channels: number): PlaneStage {
  const wide = 2 * channels;
  return {
    path,
    kind: 'feed-forward',
    parameters: [
      ...normParameters(`${path}.norm`, channels),
      ...linearParameters(`${path}.proj_in`, channels, wide),
      ...linearParameters(`${path}.time_proj`, channels, wide),
      ...linearParameters(`${path}.proj_out`, wide, channels),
    ],
    run(context, { tokens, time }) {
      const inner = linear(context, `${path}.proj_in`, layerNorm(context, `${path}.norm`, tokens, eps));
      const told = linear(context, `${path}.time_proj`, context.kernels.activation(time, 'silu'));
      const hidden = context.kernels.activation(addToAll(context, inner, told), 'silu');
      const out = linear(context, `${path}.proj_out`, hidden);
      return { tokens: context.tap(path, context.kernels.add(tokens, out)), time };
    },
  };
}

/** tokens [B,2,C] + x [B,C]. */
function addToAll({ kernels }: Context, tokens: Tensor, x: Tensor): Tensor {
  return kernels.toTokens(kernels.add(kernels.fromTokens(tokens, grid.height, grid.width), x));
}

function outputStage(channels: number): PlaneStage {
  return {
    path: 'proj_out',
    kind: 'output',
    parameters: [...normParameters('norm_out', channels), ...linearParameters('proj_out', channels, 1)],
    run(context, { tokens, time }) {
      const said = linear(context, 'proj_out', layerNorm(context, 'norm_out', tokens, eps));
      return { tokens: context.kernels.fromTokens(said, grid.height, grid.width), time };
    },
  };
}
