/**
 * The feed-forward network of a transformer block (`diffusers.models.attention.FeedForward` with `geglu`): each token on
 * its own, through four times as many channels.
 */
import { extentOf, type Tensor } from '../tensor/tensor.ts';
import type { Grid } from './attention.ts';
import type { Context } from './context.ts';
import { linear } from './layers.ts';
import { linearParameters, type Parameter } from './parameters.ts';

/** How many times the channels of a token the network has inside. */
const widening = 4;

/**
 * out = W₂ (value · gelu(gate)), value and gate the two halves of W₁ x (GEGLU; Shazeer, arXiv 2002.05202). The value is
 * the first half.
 * @param path the module's path, under which its weights are found and its values shown
 * @param x [B,N,C], N = height · width
 * @returns [B,N,C]
 * @throws InputError when a weight is missing, or does not fit
 */
export function feedForward(context: Context, path: string, x: Tensor, { height, width }: Grid): Tensor {
  const { kernels } = context;
  // As a picture, whose channels can be cut apart.
  const both = kernels.fromTokens(linear(context, `${path}.net.0.proj`, x), height, width);
  const half = extentOf(both, 1) / 2;
  const value = kernels.sliceChannels(both, 0, half);
  const gate = kernels.sliceChannels(both, half, 2 * half);
  const gated = kernels.multiply(value, kernels.activation(gate, 'gelu'));
  const hidden = context.tap(`${path}.net.0`, kernels.toTokens(gated));
  return context.tap(path, linear(context, `${path}.net.2`, hidden));
}

/** The parameters of the network on tokens of so many channels. */
export function feedForwardParameters(path: string, channels: number): readonly Parameter[] {
  return [
    ...linearParameters(`${path}.net.0.proj`, channels, 2 * widening * channels),
    ...linearParameters(`${path}.net.2`, widening * channels, channels),
  ];
}
