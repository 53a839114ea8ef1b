/** What taps a case has, and of which shapes, without computing them; and what it takes to compute them. */
import type { Kernels } from '../kernels/kernels.ts';
import { kernelsFrom, productsOf, shapeOf } from '../kernels/operations/index.ts';
import type { Operation } from '../kernels/operations/operation.ts';
import { zeros } from '../tensor/tensor.ts';
import type { Case } from './case.ts';
import { reference } from './implementation.ts';
import { traceCase, type Trace } from './trace.ts';

/**
 * Their results have the shapes that they should have, and nothing in them.
 * @param count is told of the multiplications of each operation
 */
function hollow(count: (products: number) => void): Kernels {
  return kernelsFrom({
    operation(operation, tensors, shape) {
      const shapes = tensors.map((tensor) => tensor.shape);
      count(productsOf(operation, shapes));
      return zeros(tensors[0]?.dtype ?? 'f32', shape);
    },
    joinedConv2d(x, weight, bias, stride, padding) {
      const shapes = (bias ? [x, weight, bias] : [x, weight]).map(({ shape }) => shape);
      const operation: Operation = { kind: 'conv2d', stride, padding };
      count(productsOf(operation, shapes));
      return zeros(x.dtype, shapeOf(operation, shapes));
    },
  });
}

/**
 * Every tap of a case in the order of the data flow, of the right shape; the numbers mean nothing.
 * @throws InputError when what the case has does not fit together
 */
export function outlineOf(one: Case): Trace {
  return loadOf(one).taps;
}

/** What it takes to compute a case once. */
export interface CaseLoad {
  /** As of `outlineOf`. */
  readonly taps: Trace;
  /** Multiplications in sums of products. */
  readonly products: number;
  /** The steps of a run that draw noise. */
  readonly noisySteps: ReadonlySet<number>;
}

/** Counts the work of a case, and does none of it. @throws InputError as `outlineOf` */
export function loadOf(one: Case): CaseLoad {
  let products = 0;
  const kernels = hollow((more) => {
    products += more;
  });
  const noisySteps = new Set<number>();
  const noiseStep = (index: number): number => {
    noisySteps.add(index);
    return index;
  };
  const taps = traceCase(one, { ...reference, kernels, noiseStep }, { storage: 'f32', compute: 'f32' });
  return { taps, products, noisySteps };
}
