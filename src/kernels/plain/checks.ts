/**
 * What every kernel asks of its inputs. A violation is an error of the caller: RangeError, naming operation, found,
 * expected.
 */
import { sameShape, shapeText, type DType, type Tensor } from '../../tensor/tensor.ts';

/** The dtype that all `tensors` share. */
export function commonDType(operation: string, ...tensors: readonly (Tensor | undefined)[]): DType {
  const dtypes = new Set(tensors.flatMap((x) => (x ? [x.dtype] : [])));
  if (dtypes.size !== 1)
    throw new RangeError(`${operation}: the inputs have dtypes ${[...dtypes].join(' and ')}; they must agree`);
  return [...dtypes][0];
}

/** Fails unless x has as many dimensions as `names` names; returns its shape. */
export function dimensions(operation: string, x: Tensor, names: string): readonly number[] {
  const rank = names.split(',').length;
  if (x.shape.length !== rank)
    throw new RangeError(`${operation}: expected a shape [${names}], found ${shapeText(x.shape)}`);
  return x.shape;
}

/** Fails unless x, called `what`, has the shape `expected`. */
export function expectShape(operation: string, what: string, x: Tensor, expected: readonly number[]): void {
  if (!sameShape(x.shape, expected)) {
    throw new RangeError(`${operation}: ${what} has shape ${shapeText(x.shape)}, expected ${shapeText(expected)}`);
  }
}

export function expect(operation: string, holds: boolean, message: string): void {
  if (!holds) throw new RangeError(`${operation}: ${message}`);
}
