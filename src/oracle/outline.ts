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
  return sketchOf(one).taps;
}

/** What is known of a case before it is computed. */
export interface Sketch {
  /** As of `outlineOf`. */
  readonly taps: Trace;
  /** The steps of a run that draw noise. */
  readonly noisySteps: ReadonlySet<number>;
}

/** The outline of a case, and what else shows without computing it. @throws InputError as `outlineOf` */
export function sketchOf(one: Case): Sketch {
  const noisySteps = new Set<number>();
  const noiseStep = (index: number): number => {
    noisySteps.add(index);
    return index;
  };
  const taps = traceCase(one, { ...reference, kernels: hollow, noiseStep }, { storage: 'f32', compute: 'f32' });
  return { taps, noisySteps };
}
