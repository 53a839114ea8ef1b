/**
 * Softmax over the last dimension.
 *
 * Against definition/softmax: it happens in place, and the powers are added to their lanes as they are made.
 */
import { exp, expf } from '../../tensor/math/index.ts';
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { foldLanes } from './lanes.ts';

/** As in definition/softmax. */
export function softmax(x: Tensor): Tensor {
  const out = x.data.slice();
  softmaxRows(out, x.shape.at(-1) ?? 1);
  roundInPlace(x.dtype, out);
  return tensor(x.dtype, x.shape, out);
}

/** Softmax of each row of `size` numbers, in place. In single precision if `data` is a Float32Array. */
export function softmaxRows(data: FloatArray, size: number): void {
  const single = data instanceof Float32Array;
  const lanes = allocate(single ? 'f32' : 'f64', 16);
  for (let start = 0; start < data.length; start += size) {
    let top = -Infinity;
    for (let i = start; i < start + size; i++) top = Math.max(top, data[i]);
    lanes.fill(0);
    for (let i = 0; i < size; i++) {
      const below = data[start + i] - top;
      const p = single ? expf(Math.fround(below)) : exp(below);
      data[start + i] = p;
      lanes[i & 15] += p;
    }
    const total = foldLanes(lanes);
    for (let i = start; i < start + size; i++) data[i] /= total;
  }
}
