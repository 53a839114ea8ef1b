/**
 * Arithmetic element by element (torch.add, sub, mul, div). Each sum, product and quotient is rounded once.
 *
 * `add` is what makes a network residual: a block adds to its input, and so need only know what to change. Spread over
 * the pixels, it is also how a network is told the noise level: a number for each channel, the same at every pixel.
 */
import { allocate, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { rounding, stored } from './rounding.ts';

/**
 * a + b.
 * @param a of any shape
 * @param b of that shape; or [B,C], a number for each channel of a [B,C,H,W]
 * @returns the shape of a
 */
export function add(a: Tensor, b: Tensor): Tensor {
  const pixels = sizeOf(a.shape.slice(b.shape.length));
  const out = allocate(a.dtype, a.data.length);
  for (let i = 0; i < out.length; i++) out[i] = a.data[i] + b.data[Math.floor(i / pixels)];
  return stored(a.dtype, a.shape, out);
}

/**
 * a · b.
 * @param a of any shape
 * @param b of that shape; or [B,C], a number for each channel of a [B,C,H,W]
 * @returns the shape of a
 */
export function multiply(a: Tensor, b: Tensor): Tensor {
  const pixels = sizeOf(a.shape.slice(b.shape.length));
  const out = allocate(a.dtype, a.data.length);
  for (let i = 0; i < out.length; i++) out[i] = a.data[i] * b.data[Math.floor(i / pixels)];
  return stored(a.dtype, a.shape, out);
}

/**
 * a − b.
 * @param a of any shape
 * @param b of that shape
 * @returns that shape
 */
export function subtract(a: Tensor, b: Tensor): Tensor {
  const out = allocate(a.dtype, a.data.length);
  for (let i = 0; i < out.length; i++) out[i] = a.data[i] - b.data[i];
  return stored(a.dtype, a.shape, out);
}

/**
 * x · factor + offset: the product is rounded, then the sum.
 * @param x of any shape
 * @param factor rounded as the dtype computes, and so is the offset
 * @param offset added to each product
 * @returns the shape of x
 */
export function affine(x: Tensor, factor: number, offset: number): Tensor {
  const round = rounding(x.dtype);
  const out = allocate(x.dtype, x.data.length);
  for (let i = 0; i < out.length; i++) out[i] = round(x.data[i] * round(factor)) + round(offset);
  return stored(x.dtype, x.shape, out);
}

/**
 * x / divisor.
 * @param x of any shape
 * @param divisor rounded as the dtype computes
 * @returns the shape of x
 */
export function divide(x: Tensor, divisor: number): Tensor {
  const round = rounding(x.dtype);
  const out = allocate(x.dtype, x.data.length);
  for (let i = 0; i < out.length; i++) out[i] = x.data[i] / round(divisor);
  return stored(x.dtype, x.shape, out);
}
