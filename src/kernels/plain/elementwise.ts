/**
 * Arithmetic element by element. Each operation is rounded once to the dtype; a number is first rounded to f32, except
 * in f64.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type Tensor } from '../../tensor/tensor.ts';

/** a + b; b may be [B,C] and then spreads over the pixels of a [B,C,…]. */
export function add(a: Tensor, b: Tensor): Tensor {
  const spread = pixelsPerValue(a, b);
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
  const spread = pixelsPerValue(a, b);
  const out = allocate(a.dtype, a.data.length);
  for (let i = 0; i < b.data.length; i++) {
    const value = b.data[i];
    for (let at = i * spread; at < (i + 1) * spread; at++) out[at] = a.data[at] * value;
  }
  roundInPlace(a.dtype, out);
  return tensor(a.dtype, a.shape, out);
}

/** a − b, of one shape. */
export function subtract(a: Tensor, b: Tensor): Tensor {
  const out = allocate(a.dtype, a.data.length);
  for (let i = 0; i < out.length; i++) out[i] = a.data[i] - b.data[i];
  roundInPlace(a.dtype, out);
  return tensor(a.dtype, a.shape, out);
}

/** x · factor + offset: the product is rounded, then the sum. */
export function affine(x: Tensor, factor: number, offset: number): Tensor {
  const single = x.dtype !== 'f64';
  const [f, o] = single ? [Math.fround(factor), Math.fround(offset)] : [factor, offset];
  const out = allocate(x.dtype, x.data.length);
  for (let i = 0; i < out.length; i++) {
    const product = x.data[i] * f;
    out[i] = (single ? Math.fround(product) : product) + o;
  }
  roundInPlace(x.dtype, out);
  return tensor(x.dtype, x.shape, out);
}

/** x / divisor. */
export function divide(x: Tensor, divisor: number): Tensor {
  const by = x.dtype === 'f64' ? divisor : Math.fround(divisor);
  const out = allocate(x.dtype, x.data.length);
  for (let i = 0; i < out.length; i++) out[i] = x.data[i] / by;
  roundInPlace(x.dtype, out);
  return tensor(x.dtype, x.shape, out);
}

/** How many elements of a each element of b meets: 1, or the pixels of a channel. */
function pixelsPerValue(a: Tensor, b: Tensor): number {
  return b.data.length === 0 ? 0 : a.data.length / b.data.length;
}
