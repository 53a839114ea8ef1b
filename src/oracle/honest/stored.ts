/** What an honest port stores: its result, rounded to the storage. */
import { roundInPlace } from '../../tensor/rounding.ts';
import { tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';

/** A tensor of the dtype of `like`; `data` is rounded to it in place. */
export function stored(like: Tensor, shape: readonly number[], data: FloatArray): Tensor {
  roundInPlace(like.dtype, data);
  return tensor(like.dtype, shape, data);
}
