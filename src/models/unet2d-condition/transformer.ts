/**
 * The stages of Transformer2DModel (`diffusers.models.transformers.transformer_2d`): a picture becomes tokens, these go
 * through transformer blocks, and what has come of them is added to the picture. Each attention is a stage of its own,
 * so that passes which perturb one share all that comes before it.
 */
import { tensorOf } from '../../kernels/kernels.ts';
import {
  attention,
  attentionParameters,
  maskedAttention,
  softmaxAttention,
  type AttentionMixer,
  type Grid,
  type Mix,
} from '../../nn/attention.ts';
import type { Context } from '../../nn/context.ts';
import { feedForward, feedForwardParameters } from '../../nn/feed-forward.ts';
import { conv2d, evenPadding, groupNorm, layerNorm, linear } from '../../nn/layers.ts';
import { convolutionParameters, linearParameters, normParameters } from '../../nn/parameters.ts';
import { InputError } from '../../tensor/errors.ts';
import { extentOf, type Tensor } from '../../tensor/tensor.ts';
import type { SkipUse } from '../picture-stages.ts';
import type { Stage } from '../stage.ts';
import type { UNetConditionState } from './state.ts';

type TransformerStage = Stage<UNetConditionState>;

/** How a Transformer2DModel is built, named as in diffusers. */
export interface TransformerOptions {
  readonly channels: number;
  /** They divide the channels. */
  readonly heads: number;
  /** How many transformer blocks it has. */
  readonly layers: number;
  /** Channels of the tokens that cross-attention asks. */
  readonly crossAttentionDim: number;
  /** Groups of the norm before the blocks. */
  readonly groups: number;
  /** Whether the first attention of a block asks the text, too. */
  readonly onlyCrossAttention: boolean;
  /** Whether the projections in and out are linear layers, not convolutions of single pixels. */
  readonly useLinearProjection: boolean;
}

/** Of the norm of the picture, whatever the config says. */
const pictureEps = 1e-6;
/** Of the norms of tokens. */
const tokenEps = 1e-5;

/**
 * The stages of a Transformer2DModel.
 * @param path of the module
 * @param skip what its last stage does with the skips
 */
export function transformerStages(
  path: string,
  options: TransformerOptions,
  skip?: SkipUse,
): readonly TransformerStage[] {
  const blocks = Array.from({ length: options.layers }, (_, i) =>
    blockStages(`${path}.transformer_blocks.${i}`, options),
  );
  return [inStage(path, options), ...blocks.flat(), outStage(path, options, skip)];
}

/** tokens = proj_in(norm(picture)); the picture waits. */
function inStage(path: string, { channels, groups, useLinearProjection }: TransformerOptions): TransformerStage {
  const project = `${path}.proj_in`;
  return {
    path: project,
    kind: 'projection',
    parameters: [...normParameters(`${path}.norm`, channels), ...projection(project, channels, useLinearProjection)],
    run(context, state) {
      const { kernels } = context;
      const normed = groupNorm(context, `${path}.norm`, state.hidden, groups, pictureEps);
      const hidden = useLinearProjection
        ? linear(context, project, kernels.toTokens(normed))
        : kernels.toTokens(conv2d(context, project, normed, 1, evenPadding(0)));
      return { ...state, hidden, residual: state.hidden };
    },
  };
}

/** picture + proj_out(tokens). */
function outStage(
  path: string,
  { channels, useLinearProjection }: TransformerOptions,
  skip: SkipUse,
): TransformerStage {
  const project = `${path}.proj_out`;
  return {
    path: project,
    kind: 'projection',
    ...(skip && { skip }),
    parameters: projection(project, channels, useLinearProjection),
    run(context, { residual, ...state }) {
      const { kernels } = context;
      const { picture, height, width } = gridOf(residual);
      const projected = useLinearProjection
        ? kernels.fromTokens(linear(context, project, state.hidden), height, width)
        : conv2d(context, project, kernels.fromTokens(state.hidden, height, width), 1, evenPadding(0));
      const hidden = context.tap(path, kernels.add(projected, picture));
      return { ...state, hidden, skips: skip === 'keep' ? [...state.skips, hidden] : state.skips };
    },
  };
}

function projection(path: string, channels: number, isLinear: boolean): TransformerStage['parameters'] {
  return isLinear ? linearParameters(path, channels, channels) : convolutionParameters(path, channels, channels, 1);
}

/** The picture that waits, whose size says how the tokens lie. */
function gridOf(residual: Tensor | undefined): Grid & { readonly picture: Tensor } {
  if (!residual) throw new InputError('a stage of a transformer was run before its first one');
  return { picture: residual, height: extentOf(residual, 2), width: extentOf(residual, 3) };
}

/**
 * BasicTransformerBlock: attention of the pixels to one another, attention to the text, and a feed-forward network,
 * each on what a norm makes of the tokens, and added to them. The first is what a perturbation may replace.
 */
function blockStages(path: string, options: TransformerOptions): readonly TransformerStage[] {
  return [
    options.onlyCrossAttention ? crossStage(path, 1, options) : selfStage(path, options),
    crossStage(path, 2, options),
    feedForwardStage(path, options),
  ];
}

function selfStage(block: string, { channels, heads }: TransformerOptions): TransformerStage {
  const path = `${block}.attn1`;
  const norm = `${block}.norm1`;
  return {
    path,
    kind: 'attention',
    site: { kind: 'self', heads },
    parameters: [...normParameters(norm, channels), ...attentionParameters(path, channels, channels, { bias: false })],
    run(context, given, perturbation) {
      const { mix, before }: AttentionMixer = perturbation.get(path) ?? softmaxAttention;
      if (!mix) return given;
      const state = before ? { ...given, hidden: before(context.kernels, given.hidden) } : given;
      const normed = layerNorm(context, norm, state.hidden, tokenEps);
      return added(context, path, state, attention(context, path, normed, normed, heads, mix, gridOf(state.residual)));
    },
  };
}

function crossStage(
  block: string,
  number: 1 | 2,
  { channels, heads, crossAttentionDim }: TransformerOptions,
): TransformerStage {
  const path = `${block}.attn${number}`;
  const norm = `${block}.norm${number}`;
  return {
    path,
    kind: 'cross-attention',
    site: { kind: 'cross', heads },
    parameters: [
      ...normParameters(norm, channels),
      ...attentionParameters(path, channels, channels, { source: crossAttentionDim, bias: false }),
    ],
    run(context, state, perturbation) {
      const normed = layerNorm(context, norm, state.hidden, tokenEps);
      const text = state.encoder ?? tensorOf(state.given, 'text');
      // The first attention of a block does not see the mask of the text: so it is in diffusers.
      const plain = number === 2 ? mixOf(context, path, state, heads) : softmaxAttention.mix;
      const mix = perturbation.get(path)?.mix ?? plain;
      if (mix !== plain && plain !== softmaxAttention.mix) throw new InputError(maskedText(path));
      const { other } = state.given;
      const mixed = attention(context, path, normed, text, heads, mix, gridOf(state.residual), other);
      return added(context, path, state, mixed);
    },
  };
}

const maskedText = (path: string): string =>
  `${path} is perturbed, but the text is masked, which perturbations of cross-attention know nothing of; give no ` +
  'encoderAttentionMask';

/** Softmax attention, masked where the model is given a mask. */
function mixOf(context: Context, path: string, { given, hidden }: UNetConditionState, heads: number): Mix {
  if (!given.mask) return softmaxAttention.mix;
  return maskedAttention(context, path, spreadMask(context, given.mask, heads, extentOf(hidden, 1)));
}

/** A mask of tokens [B,M] for the scores of all heads and queries, [B,h,N,M]. */
export function spreadMask({ kernels }: Context, mask: Tensor, heads: number, queries: number): Tensor {
  const tokens = extentOf(mask, 1);
  const rows = kernels.resizeNearest(kernels.reshape(mask, [1, 1, tokens]), heads * queries, tokens);
  return kernels.reshape(rows, [heads, queries, tokens]);
}

/** The state with the output of a layer shown, and added to the tokens. */
function added(context: Context, path: string, state: UNetConditionState, output: Tensor): UNetConditionState {
  return { ...state, hidden: context.kernels.add(context.tap(path, output), state.hidden) };
}

function feedForwardStage(block: string, { channels }: TransformerOptions): TransformerStage {
  const path = `${block}.ff`;
  const norm = `${block}.norm3`;
  return {
    path,
    kind: 'feed-forward',
    parameters: [...normParameters(norm, channels), ...feedForwardParameters(path, channels)],
    run(context, state) {
      const normed = layerNorm(context, norm, state.hidden, tokenEps);
      const output = feedForward(context, path, normed, gridOf(state.residual));
      return { ...state, hidden: context.tap(block, context.kernels.add(output, state.hidden)) };
    },
  };
}
