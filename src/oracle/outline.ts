/** What taps a case has, and of which shapes, without computing them. */
import type { Kernels } from '../kernels/kernels.ts';
import { kernelsFrom, shapeOf } from '../kernels/operations/index.ts';
import { zeros } from '../tensor/tensor.ts';
import type { Case } from './case.ts';
import { reference } from './implementation.ts';
import { traceCase, type Trace } from './trace.ts';

/** Their results have the shapes that they should have, and nothing in them. */
const hollow: Kernels = kernelsFrom({
  operation: (_, [first], shape) => zeros(first?.dtype ?? 'f32', shape),
  joinedConv2d(x, weight, bias, stride, padding) {
    const tensors = bias ? [x, weight, bias] : [x, weight];
    return zeros(
      x.dtype,
      shapeOf(
        { kind: 'conv2d', stride, padding },
        tensors.map(({ shape }) => shape),
      ),
    );
  },
});

/**
 * Every tap of a case in the order of the data flow, of the right shape; the numbers mean nothing.
 * @throws InputError when what the case has does not fit together
 */
export function outlineOf(one: Case): Trace {
  return traceCase(one, { ...reference, kernels: hollow }, { storage: 'f32', compute: 'f32' });
}
