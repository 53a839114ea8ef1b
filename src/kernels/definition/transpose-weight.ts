/**
 * The weight of the way back. Forward, a convolution gathers pixels into an output; back, the output's gradient goes to
 * the same pixels, by the same weights. Seen from such a pixel that is a convolution again: inputs and outputs have
 * changed places, and what lay before the output now lies behind it, so each kernel is turned by half a turn.
 *
 *     out[c,o,i,j] = weight[o,c,kh−1−i,kw−1−j]
 *
 * The weight of a linear layer has no kernels: there it is the transpose.
 */
import { allocate, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { stored } from './rounding.ts';

/**
 * No number changes; each only moves. Applied twice it is the weight again.
 * @param weight [O,C,…]
 * @returns [C,O,…]
 */
export function transposeWeight(weight: Tensor): Tensor {
  const [O, C, ...kernel] = weight.shape;
  const area = sizeOf(kernel);
  const out = allocate(weight.dtype, O * C * area);
  for (let c = 0; c < C; c++) {
    for (let o = 0; o < O; o++) {
      for (let t = 0; t < area; t++) out[(c * O + o) * area + t] = weight.data[(o * C + c) * area + area - 1 - t];
    }
  }
  return stored(weight.dtype, [C, O, ...kernel], out);
}
