/**
 * Where numbers round. f64 is computed as JavaScript computes. In f32 each addition, product and quotient is rounded:
 * by the Float32Array in which it is stored, or by `rounding` where it is used before it is stored. f16 and bf16 are
 * formats of storage: an operation reads them, computes in f32, and only its results are rounded to the format.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { tensor, type DType, type FloatArray, type Tensor } from '../../tensor/tensor.ts';

/** What one addition, product or quotient does to its exact result. */
export function rounding(dtype: DType): (exact: number) => number {
  return dtype === 'f64' ? (exact) => exact : Math.fround;
}

/** The results of an operation as a tensor, each rounded to the dtype. `data` becomes part of it. */
export function stored(dtype: DType, shape: readonly number[], data: FloatArray): Tensor {
  roundInPlace(dtype, data);
  return tensor(dtype, shape, data);
}
