/** Tokens pooled by attention (`diffusers.models.embeddings.AttentionPooling`, after DeepFloyd IF). */
import type { Kernels } from '../kernels/kernels.ts';
import { extentOf, type Tensor } from '../tensor/tensor.ts';
import { constantOf } from './attention-perturbations/constants.ts';
import { weight, type Context } from './context.ts';
import { linear } from './layers.ts';
import { linearParameters, type Parameter } from './parameters.ts';

/**
 * A layer in which the mean of all tokens asks them, and itself: [B,M,C] → [B,C].
 * @param path the module's path, under which its weights are found and its values shown
 * @param heads they divide C
 */
export function tokenPooling(path: string, heads: number): (context: Context, tokens: Tensor) => Tensor {
  return (context, tokens) => {
    const { kernels } = context;
    const first = meanToken(context, path, tokens);
    const all = kernels.concatChannels(first, tokens);
    const [query, key, value] = [
      linear(context, `${path}.q_proj`, first),
      linear(context, `${path}.k_proj`, all),
      linear(context, `${path}.v_proj`, all),
    ];
    const channels = extentOf(tokens, 2);
    const mixed = kernels.attention(query, key, value, heads, 1 / Math.sqrt(channels / heads));
    return context.tap(path, kernels.reshape(mixed, [channels]));
  };
}

/** The mean of the tokens and a learnt position, [B,1,C]. */
function meanToken({ kernels, ...context }: Context, path: string, tokens: Tensor): Tensor {
  const position = weight({ kernels, ...context }, `${path}.positional_embedding`);
  const positions = kernels.concatBatch(Array.from({ length: extentOf(tokens, 0) }, () => position));
  return kernels.toTokens(kernels.add(meanPixel(kernels, tokens), positions));
}

/** The mean of tokens [B,N,C], as a picture of one pixel, [B,C,1,1]. */
export function meanPixel(kernels: Kernels, tokens: Tensor): Tensor {
  const count = extentOf(tokens, 1);
  // The tokens go last, where `linear` sums.
  const sum = kernels.linear(kernels.fromTokens(tokens, 1, count), ones([1, count], tokens.dtype), undefined);
  return kernels.divide(sum, count);
}

const ones = constantOf(([rows, columns]: readonly [number, number]) => new Float64Array(rows * columns).fill(1));

/** The parameters of the layer on tokens of so many channels. */
export function tokenPoolingParameters(path: string, channels: number): readonly Parameter[] {
  return [
    { name: `${path}.positional_embedding`, shape: [1, channels], module: 'embedding' },
    ...linearParameters(`${path}.k_proj`, channels, channels),
    ...linearParameters(`${path}.q_proj`, channels, channels),
    ...linearParameters(`${path}.v_proj`, channels, channels),
  ];
}
