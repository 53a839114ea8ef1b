/**
 * A convolution of two joined pictures, as two convolutions and their sum: what `joinedConv2d` means. What depends on
 * the second picture alone becomes operations of its own, so that a pass that differs in the first picture only finds
 * them there.
 *
 * For that the seam is traced back through what lies between joining and convolution. Element-wise operations, and
 * norms of whole groups, do the same with the channels of either side whether those are joined or not.
 */
import type { Tensor } from '../tensor/tensor.ts';
import type { Kernels, Padding } from './kernels.ts';
import type { Operation } from './operations/index.ts';

/** What made a tensor. */
export interface Origin {
  readonly operation: Operation;
  readonly inputs: readonly Tensor[];
}

type OriginOf = (tensor: Tensor) => Origin | undefined;

/**
 * Writes a convolution of joined pictures down as two convolutions and an addition. The arguments from `x` on are those
 * of `joinedConv2d`.
 * @param kernels write down what they are asked for
 * @param originOf what made a tensor; undefined for inputs and constants
 * @returns [B,O,H′,W′]
 */
export function convolveApart(
  kernels: Kernels,
  originOf: OriginOf,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  stride: number,
  padding: Padding,
  seam: number,
): Tensor {
  const all = x.shape[1];
  const part = (start: number, end: number, offset: Tensor | undefined): Tensor => {
    const channels = channelsOf(kernels, originOf, x, start, end);
    return kernels.conv2d(channels, kernels.sliceChannels(weight, start, end), offset, stride, padding);
  };
  // The second comes first, so that the first can be added to it before it is stored.
  const second = part(seam, all, undefined);
  return kernels.add(part(0, seam, bias), second);
}

/** The channels of x from `start` up to `end`, computed from as few channels as they can be. */
function channelsOf(kernels: Kernels, originOf: OriginOf, x: Tensor, start: number, end: number): Tensor {
  const all = x.shape[1];
  if (start === 0 && end === all) return x;
  const origin = originOf(x);
  const of = (tensor: Tensor, from: number, to: number): Tensor => channelsOf(kernels, originOf, tensor, from, to);
  switch (origin?.operation.kind) {
    case 'activation':
      return kernels.activation(of(origin.inputs[0], start, end), origin.operation.activation);
    case 'affine':
      return kernels.affine(of(origin.inputs[0], start, end), origin.operation.factor, origin.operation.offset);
    case 'divide':
      return kernels.divide(of(origin.inputs[0], start, end), origin.operation.divisor);
    case 'groupNorm': {
      const [normed, weight, bias] = origin.inputs;
      const { groups, eps } = origin.operation;
      const size = all / groups;
      // A norm of some channels already has slices for weight and bias.
      if (start % size !== 0 || end % size !== 0 || originOf(weight)) break;
      const [scale, shift] = [weight, bias].map((vector) => kernels.sliceBatch(vector, start, end));
      return kernels.groupNorm(of(normed, start, end), (end - start) / size, scale, shift, eps);
    }
    case 'concatChannels': {
      const [first, second] = origin.inputs;
      const seam = first.shape[1];
      if (end <= seam) return of(first, start, end);
      if (start >= seam) return of(second, start - seam, end - seam);
      return kernels.concatChannels(of(first, start, seam), of(second, 0, end - seam));
    }
  }
  return kernels.sliceChannels(x, start, end);
}
