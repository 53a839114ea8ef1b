/**
 * The linear layer as a matrix product.
 *
 *     out [R,O] = x [R,C] · weightᵀ [C,O]
 *
 * Against definition/linear: the weight is turned once, so that the outputs of a row grow side by side.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, sizeOf, tensor, type Tensor } from '../../tensor/tensor.ts';
import { matmul, transpose } from './matmul.ts';

/** As in definition/linear. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const { dtype } = x;
  const [outChannels, channels] = weight.shape;
  const rows = sizeOf(x.shape.slice(0, -1));
  const out = allocate(dtype, rows * outChannels);
  matmul(out, x.data, transpose(weight.data, outChannels, channels), rows, channels, outChannels);
  if (bias)
    for (let r = 0; r < rows; r++) for (let o = 0; o < outChannels; o++) out[r * outChannels + o] += bias.data[o];
  roundInPlace(dtype, out);
  return tensor(dtype, [...x.shape.slice(0, -1), outChannels], out);
}
