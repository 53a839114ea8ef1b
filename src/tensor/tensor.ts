/**
 * A tensor is a shape and a typed array in row-major order: the last dimension is contiguous.
 * It is a value. No operation of this library changes a tensor that it was given.
 */

/**
 * The precision in which results are stored.
 * - `f64`: the truth.  `f32`: the default.
 * - `f16`, `bf16`: held in a Float32Array whose every value has been rounded to that format.
 */
export type DType = 'f64' | 'f32' | 'f16' | 'bf16';

export type FloatArray = Float32Array | Float64Array;

export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: FloatArray;
}

/** The number of elements of a shape; 1 for the empty shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** An array of `size` zeros that stores `dtype`. */
export function allocate(dtype: DType, size: number): FloatArray {
  return dtype === 'f64' ? new Float64Array(size) : new Float32Array(size);
}

/**
 * A tensor over `data`, which is not copied and whose values must already be rounded to `dtype`. Throws if the sizes
 * disagree.
 */
export function tensor(dtype: DType, shape: readonly number[], data: FloatArray): Tensor {
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(
      `a tensor of shape [${shape.join(', ')}] has ${sizeOf(shape)} elements, but ${data.length} were given`,
    );
  }
  return { dtype, shape, data };
}

/** A tensor of zeros. */
export function zeros(dtype: DType, shape: readonly number[]): Tensor {
  return { dtype, shape, data: allocate(dtype, sizeOf(shape)) };
}

/** The same elements under another shape of the same size; shares the data. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  return tensor(x.dtype, shape, x.data);
}

/** `[2, 3, 4]` as text, for messages. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}
