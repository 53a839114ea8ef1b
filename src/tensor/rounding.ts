/**
 * Rounding to the storage formats. Everything rounds to nearest, ties to even, as IEEE 754 and PyTorch do:
 * beyond the largest finite value to ±∞, below the smallest normal to subnormals, and NaN stays NaN.
 */
import { checkTensor } from './checks.ts';
import { deferredAs, lengthOf, numbersOf } from './deferred.ts';
import { InputError } from './errors.ts';
import { allocate } from './tensor.ts';
import type { DType, FloatArray, Tensor } from './tensor.ts';

/** f16 has 11 significant bits against the 24 of f32, so 13 are dropped; bf16 has 8, so 16 are dropped. */
const F16_DROPPED_BITS = 13;
const BF16_DROPPED_BITS = 16;

/** The smallest normal f16; below it the format's values are the multiples of 2⁻²⁴. */
const F16_SMALLEST_NORMAL = 2 ** -14;
/** Half way between the largest finite f16, 65504, and the next power of two: from here on f16 rounds to ∞. */
const F16_OVERFLOW = 65520;
/**
 * Adding this in double and subtracting it again rounds to a multiple of 2⁻²⁴: the last bit of a double in [2²⁸, 2²⁹).
 */
const F16_SUBNORMAL_ROUNDER = 1.5 * 2 ** 28;

/**
 * `value` as `dtype` stores it. For f16 and bf16 the value is first rounded to f32 and then to the format,
 * because every operation in those precisions computes in f32 (as PyTorch's do, conversions from f64 included).
 */
export function roundTo(dtype: DType, value: number): number {
  if (dtype === 'f64') return value;
  if (dtype === 'f32') return Math.fround(value);
  one[0] = value;
  if (dtype === 'f16') roundToF16(one, bitsOfOne);
  else roundToBF16(one, bitsOfOne);
  return one[0];
}

/** Where a single number is rounded; it carries nothing from one call to the next. */
const one = new Float32Array(1);
const bitsOfOne = bitsOf(one);

/**
 * Rounds every element of `data` to `dtype`, in place. For f64 there is nothing to do, nor for f32, whose array rounds
 * by itself.
 * @throws InputError when f32, f16 or bf16 values are held in a Float64Array
 */
export function roundInPlace(dtype: DType, data: FloatArray): void {
  if (dtype === 'f64') return;
  if (!(data instanceof Float32Array))
    throw new InputError(`${dtype} values are held in a Float32Array, not in a Float64Array`);
  if (dtype === 'f16') roundToF16(data, bitsOf(data));
  if (dtype === 'bf16') roundToBF16(data, bitsOf(data));
}

/**
 * `x` in another precision, as `Tensor.to(dtype)` of PyTorch; `x` itself if it already has it.
 * @throws InputError when there is no such dtype
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkTensor('what is cast', x);
  if (x.dtype === dtype) return x;
  const unread = deferredAs(x, dtype, x.shape);
  if (unread) return unread;
  const data = allocate(dtype, lengthOf(x));
  data.set(numbersOf(x));
  roundInPlace(dtype, data);
  return { dtype, shape: x.shape, data };
}

function bitsOf(data: Float32Array): Int32Array {
  return new Int32Array(data.buffer, data.byteOffset, data.length);
}

function roundToF16(data: Float32Array, bits: Int32Array): void {
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    const size = Math.abs(value);
    if (size >= F16_OVERFLOW) {
      data[i] = value > 0 ? Infinity : -Infinity;
    } else if (size >= F16_SMALLEST_NORMAL) {
      bits[i] = dropBits(bits[i], F16_DROPPED_BITS);
    } else if (value !== 0) {
      const rounded = size + F16_SUBNORMAL_ROUNDER - F16_SUBNORMAL_ROUNDER;
      data[i] = value < 0 ? -rounded : rounded;
    }
  }
}

/** bf16 has the exponents of f32, so its subnormals and its overflow need no special treatment. */
function roundToBF16(data: Float32Array, bits: Int32Array): void {
  for (let i = 0; i < data.length; i++) {
    // A NaN is left as it is: a carry could turn it into something else.
    if (!Number.isNaN(data[i])) bits[i] = dropBits(bits[i], BF16_DROPPED_BITS);
  }
}

/**
 * The bits of a float32 without the last `count` of its significand, to nearest, ties to even. A carry runs into the
 * exponent, as it should.
 */
function dropBits(bits: number, count: number): number {
  const lastKept = (bits >>> count) & 1;
  const almostHalf = (1 << (count - 1)) - 1;
  return (bits + almostHalf + lastKept) & (-1 << count);
}
