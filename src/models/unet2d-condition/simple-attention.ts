/**
 * The attention of Simple blocks (unCLIP, DeepFloyd IF, Kandinsky): pixels ask the text and, unless the config says
 * otherwise, one another, in one softmax (`diffusers.models.attention_processor.AttnAddedKVProcessor2_0`). It is no
 * site of a perturbation: a map over text and pixels together has no identity to be replaced by.
 */
import { tensorOf } from '../../kernels/kernels.ts';
import { maskedAttention, softmaxAttention } from '../../nn/attention.ts';
import type { Context } from '../../nn/context.ts';
import { groupNorm, linear } from '../../nn/layers.ts';
import { linearParameters, normParameters, type Parameter } from '../../nn/parameters.ts';
import { extentOf, zeros, type Tensor } from '../../tensor/tensor.ts';
import { withSkips, type SkipUse } from '../picture-stages.ts';
import type { Stage } from '../stage.ts';
import { textGroups } from './config.ts';
import type { UNetConditionState } from './state.ts';
import { spreadMask } from './transformer.ts';

/** How such an attention is built, named as in diffusers. */
export interface SimpleAttentionOptions {
  readonly channels: number;
  /** They divide the channels. */
  readonly heads: number;
  /** Channels of the text. */
  readonly crossAttentionDim: number;
  /** Groups of the norm of the picture. */
  readonly groups: number;
  /** Whether pixels ask the text alone. */
  readonly onlyCrossAttention: boolean;
  /** The norm of the text, where it has one. */
  readonly crossAttentionNorm: 'group_norm' | undefined;
}

/** As torch has it for both norms. */
const eps = 1e-5;

/**
 * x + attention(norm(x), text).
 * @param path of the module
 */
export function simpleAttentionStage(
  path: string,
  options: SimpleAttentionOptions,
  skip?: SkipUse,
): Stage<UNetConditionState> {
  return {
    path,
    kind: 'cross-attention',
    ...(skip && { skip }),
    parameters: parametersOf(path, options),
    run: (context, state) =>
      withSkips(skip, context, state, (x) => {
        const text = normedText(context, path, state.encoder ?? tensorOf(state.given, 'text'), options);
        return attend(context, path, x, text, state.given.mask, options);
      }),
  };
}

function parametersOf(path: string, options: SimpleAttentionOptions): readonly Parameter[] {
  const { channels, crossAttentionDim, onlyCrossAttention, crossAttentionNorm } = options;
  const ofPixels = ['to_k', 'to_v'].flatMap((name) => linearParameters(`${path}.${name}`, channels, channels));
  return [
    ...normParameters(`${path}.group_norm`, channels),
    ...(crossAttentionNorm ? normParameters(`${path}.norm_cross`, crossAttentionDim) : []),
    ...linearParameters(`${path}.to_q`, channels, channels),
    ...(onlyCrossAttention ? [] : ofPixels),
    ...['add_k_proj', 'add_v_proj'].flatMap((name) => linearParameters(`${path}.${name}`, crossAttentionDim, channels)),
    ...linearParameters(`${path}.to_out.0`, channels, channels),
  ];
}

function normedText(
  context: Context,
  path: string,
  text: Tensor,
  { crossAttentionNorm }: SimpleAttentionOptions,
): Tensor {
  const { kernels } = context;
  if (crossAttentionNorm === undefined) return text;
  const picture = kernels.fromTokens(text, 1, extentOf(text, 1));
  return kernels.toTokens(groupNorm(context, `${path}.norm_cross`, picture, textGroups, eps));
}

function attend(
  context: Context,
  path: string,
  x: Tensor,
  text: Tensor,
  mask: Tensor | undefined,
  { heads, groups, onlyCrossAttention }: SimpleAttentionOptions,
): Tensor {
  const { kernels } = context;
  const [height, width] = [extentOf(x, 2), extentOf(x, 3)];
  const pixels = kernels.toTokens(groupNorm(context, `${path}.group_norm`, x, groups, eps));
  /** Of the text and, behind it, of the pixels. */
  const both = (ofText: string, ofPixels: string): Tensor => {
    const asked = linear(context, `${path}.${ofText}`, text);
    return onlyCrossAttention ? asked : kernels.concatChannels(asked, linear(context, `${path}.${ofPixels}`, pixels));
  };
  const query = linear(context, `${path}.to_q`, pixels);
  const [key, value] = [both('add_k_proj', 'to_k'), both('add_v_proj', 'to_v')];
  const others = onlyCrossAttention ? 0 : height * width;
  const mix = mask
    ? maskedAttention(context, path, spreadMask(context, withPixels(context, mask, others), heads, height * width))
    : softmaxAttention.mix;
  const scale = 1 / Math.sqrt(extentOf(value, 2) / heads);
  const mixed = mix({ kernels, query: () => query, key: () => key, value, heads, scale, height, width });
  const out = kernels.fromTokens(linear(context, `${path}.to_out.0`, mixed), height, width);
  return context.tap(path, kernels.add(out, x));
}

/** The mask of the text, and nothing masked of the pixels behind it: [B,M] → [B,M+pixels]. */
function withPixels({ kernels }: Context, mask: Tensor, pixels: number): Tensor {
  return pixels === 0 ? mask : kernels.concatChannels(mask, zeros(mask.dtype, [extentOf(mask, 0), pixels]));
}
