/**
 * The table of operations: its shapes are those of the results, its costs those of the sums, and calls go both ways.
 */
import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../src/kernels/kernels.ts';
import {
  applyOperation,
  kinds,
  operations,
  productsOf,
  shapeOf,
  type Kind,
} from '../../src/kernels/operations/index.ts';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { calls, operationOf } from './calls.ts';

/** Of an output element, the terms of its sums; and how many elements there are. */
const products: Partial<Record<Kind, number>> = {
  conv2d: 2 * 5 * 3 * 4 * (3 * 3 * 2),
  winogradConv2d: 2 * 5 * (3 * 2) * 24 * 3,
  upsampleConv2d: 2 * 6 * 8 * 10 * (3 * 2 * 2),
  linear: 2 * 7 * 5 * 3,
  attentionScores: 2 * 5 * 4 * 6,
  attentionMap: 2 * 5 * 4 * 6,
  applyAttentionMap: 2 * 5 * 4 * 6,
  attention: 2 * (2 * 5 * 4 * 6),
  conv2dWeightGradient: 5 * 3 * 3 * 2 * (2 * 3 * 4),
};

describe.each(kinds)('%s', (kind) => {
  const run = referenceKernels[kind] as (...given: readonly unknown[]) => Tensor;

  it('has the shape that it is said to have, and is said to cost what its sums have terms', () => {
    const { operation, tensors } = operationOf(kind);
    const shapes = tensors.map(({ shape }) => shape);
    expect(operation.kind).toBe(kind);
    expect(shapeOf(operation, shapes)).toEqual(run(...calls[kind]).shape);
    expect(productsOf(operation, shapes)).toBe(products[kind] ?? 0);
  });

  it('taken apart and put together again is called with the same', () => {
    const { operation, tensors } = operationOf(kind);
    const seen: unknown[][] = [];
    const spy = { [kind]: (...given: unknown[]) => seen.push(given) } as unknown as Kernels;
    applyOperation(spy, operation, tensors);
    expect(seen).toEqual([calls[kind]]);
  });
});

it('knows every kernel but the joined convolution, which is two operations and their sum', () => {
  expect(Object.keys(referenceKernels).filter((name) => !Object.hasOwn(operations, name))).toEqual(['joinedConv2d']);
});
