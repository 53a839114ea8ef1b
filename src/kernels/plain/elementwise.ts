/**
 * Sums and products element by element.
 *
 * Against definition/elementwise: a number that spreads over a channel's pixels is read once for all of them.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, sizeOf, tensor, type Tensor } from '../../tensor/tensor.ts';

/** a + b; b may be [B,C] and then spreads over the pixels of a [B,C,…]. */
export function add(a: Tensor, b: Tensor): Tensor {
  const spread = sizeOf(a.shape.slice(b.shape.length));
  const out = allocate(a.dtype, a.data.length);
  for (let i = 0; i < b.data.length; i++) {
    const value = b.data[i];
    for (let at = i * spread; at < (i + 1) * spread; at++) out[at] = a.data[at] + value;
  }
  roundInPlace(a.dtype, out);
  return tensor(a.dtype, a.shape, out);
}

/** a · b, with the shapes that `add` allows. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  const spread = sizeOf(a.shape.slice(b.shape.length));
  const out = allocate(a.dtype, a.data.length);
  for (let i = 0; i < b.data.length; i++) {
    const value = b.data[i];
    for (let at = i * spread; at < (i + 1) * spread; at++) out[at] = a.data[at] * value;
  }
  roundInPlace(a.dtype, out);
  return tensor(a.dtype, a.shape, out);
}
