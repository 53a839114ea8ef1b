/**
 * A tensor is a shape and a typed array in row-major order: the last dimension is contiguous.
 * It is a value. No operation of this library changes a tensor that it was given.
 */
import { InputError } from './errors.ts';
import { shown } from './shown.ts';

/**
 * The precision in which results are stored.
 * - `f64`: the truth.  `f32`: the default.
 * - `f16`, `bf16`: held in a Float32Array whose every value has been rounded to that format.
 */
export type DType = 'f64' | 'f32' | 'f16' | 'bf16';

const dtypes: readonly DType[] = ['f64', 'f32', 'f16', 'bf16'];

/** What holds a tensor's numbers: a Float64Array for `f64`, a Float32Array for all other dtypes. */
export type FloatArray = Float32Array | Float64Array;

/** Numbers in some precision, arranged in a shape. */
export interface Tensor {
  readonly dtype: DType;
  /** The extent of each dimension, whole numbers from 0 on; empty for a single number. */
  readonly shape: readonly number[];
  /** As many numbers as the shape has places, the last dimension contiguous, each rounded to `dtype`. */
  readonly data: FloatArray;
}

/** The number of elements of a shape; 1 for the empty shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** What fits the 32-bit memory of WebAssembly, twice. */
const mostElements = 2 ** 31;

/**
 * An array of `size` zeros that stores `dtype`.
 * @throws InputError when there is no such dtype, or the engine cannot hold so many numbers
 */
export function allocate(dtype: DType, size: number): FloatArray {
  expectDType(dtype);
  if (size > mostElements) throw tooLarge(size);
  try {
    return dtype === 'f64' ? new Float64Array(size) : new Float32Array(size);
  } catch (problem) {
    throw problem instanceof RangeError ? tooLarge(size) : problem;
  }
}

function tooLarge(size: number): InputError {
  return new InputError(`there is not enough memory for a tensor of ${size} numbers; ask for fewer or smaller samples`);
}

/**
 * A tensor over `data`, which is not copied and whose values must already be rounded to `dtype`.
 * @throws InputError when there is no such dtype, the array is not of its kind, the shape is none, or the sizes differ
 */
export function tensor(dtype: DType, shape: readonly number[], data: FloatArray): Tensor {
  expectDType(dtype);
  expectArray(dtype, data);
  expectExtents(shape);
  if (data.length !== sizeOf(shape)) {
    throw new InputError(
      `a tensor of shape [${shape.join(', ')}] has ${sizeOf(shape)} elements, but ${data.length} were given`,
    );
  }
  return { dtype, shape, data };
}

/**
 * A tensor of zeros.
 * @throws InputError when there is no such dtype, or the shape is none
 */
export function zeros(dtype: DType, shape: readonly number[]): Tensor {
  expectExtents(shape);
  return { dtype, shape, data: allocate(dtype, sizeOf(shape)) };
}

/**
 * The same elements under another shape; shares the data.
 * @throws InputError when the shape is of another size
 */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  const { dtype, data } = Object(x) as Tensor;
  return tensor(dtype, shape, data);
}

/**
 * The extent of a dimension of x, counted from 0.
 * @throws InputError when x has fewer dimensions, or is no tensor
 */
export function extentOf(x: Tensor, dimension: number): number {
  const { shape } = Object(x) as Partial<Tensor>;
  if (!Array.isArray(shape)) throw new InputError(`${shown(x)} is no tensor`);
  const extent = (shape as readonly number[])[dimension];
  if (extent === undefined)
    throw new InputError(`a tensor of shape ${shapeText(shape)} has no dimension ${dimension}, counted from 0`);
  return extent;
}

/** `[2, 3, 4]` as text, for messages. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}

/** Fails unless every extent is a whole number from 0 on. */
function expectExtents(shape: readonly number[]): void {
  if (!Array.isArray(shape)) throw new InputError(`a shape is ${shown(shape)}; it must be a list, as [2, 3]`);
  if (shape.every((extent) => Number.isInteger(extent) && extent >= 0)) return;
  throw new InputError(`a tensor cannot have the shape ${shown(shape)}; extents are whole numbers from 0 on`);
}

/** Fails unless `data` is of the kind that holds `dtype`: a Float64Array for f64, else a Float32Array. */
function expectArray(dtype: DType, data: FloatArray): void {
  const wanted = dtype === 'f64' ? Float64Array : Float32Array;
  if (data instanceof wanted) return;
  throw new InputError(`${dtype} values are held in a ${wanted.name}, found ${shown(data)}`);
}

function expectDType(dtype: DType): void {
  if (!dtypes.includes(dtype))
    throw new InputError(`there is no dtype ${shown(dtype)}; there are ${dtypes.join(', ')}`);
}
