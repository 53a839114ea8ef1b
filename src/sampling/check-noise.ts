/** What a run begins with, and draws on the way, must be noise that it can compute with. */
import { areFinite, checkTensor } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { roundInPlace } from '../tensor/rounding.ts';
import { sameShape, shapeText, sizeOf, type DType, type Tensor } from '../tensor/tensor.ts';
import type { NoiseSource } from '../schedulers/scheduler.ts';

/**
 * @param what it is called in messages
 * @throws InputError unless the noise is [B,C,H,W], none of them 0, and holds finite numbers of its dtype: it was cast,
 *   not called so
 */
export function checkNoise({ dtype, shape, data }: Tensor, what = 'the noise'): void {
  if (shape.length !== 4 || !shape.every((extent) => Number.isInteger(extent) && extent > 0)) {
    throw new InputError(`${what} has shape ${shapeText(shape)}; it must be [B,C,H,W], none of them 0`);
  }
  if (data.length !== sizeOf(shape)) {
    throw new InputError(`${what} has shape ${shapeText(shape)}, but ${data.length} numbers`);
  }
  if (data instanceof Float64Array !== (dtype === 'f64')) {
    throw new InputError(`${what} is called ${dtype}, but its numbers are a ${data.constructor.name}; cast it`);
  }
  const rounded = data.slice();
  roundInPlace(dtype, rounded);
  const wrong = data.findIndex((value, i) => !Number.isFinite(value) || rounded[i] !== value);
  if (wrong >= 0) {
    throw new InputError(`${what} has ${data[wrong]} at index ${wrong}; it must be finite numbers of ${dtype}`);
  }
}

/**
 * The same source, held to what it is asked for.
 * @param dtype of the run's noise
 * @throws InputError (the source, when it is drawn from) for noise of another shape or dtype, or not finite
 */
export function checkedSource(source: NoiseSource, dtype: DType): NoiseSource {
  return (shape) => {
    const drawn = source(shape);
    checkTensor('what noiseSource gives', drawn);
    if (drawn.dtype === dtype && sameShape(drawn.shape, shape) && drawn.data.length === sizeOf(shape)) {
      if (areFinite(drawn.data)) return drawn;
      throw new InputError('noiseSource gave a number that is not finite');
    }
    throw new InputError(
      `noiseSource gave ${shapeText(drawn.shape)} in ${drawn.dtype}, but the run needs ${shapeText(shape)} in ${dtype}`,
    );
  };
}
