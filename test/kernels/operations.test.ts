/**
 * The table of operations: its shapes are those of the results, its costs those of the sums, and calls go both ways.
 */
import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../src/kernels/kernels.ts';
import {
  applyOperation,
  kernelsFrom,
  kinds,
  operations,
  productsOf,
  shapeOf,
  type Kind,
  type Operation,
} from '../../src/kernels/operations/index.ts';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import { zeros, type Tensor } from '../../src/tensor/tensor.ts';

const x = (...shape: number[]): Tensor => zeros('f32', shape);
const padding = { top: 1, bottom: 0, left: 2, right: 1 };

/** A call of each kernel. */
const calls: { readonly [K in Kind]: Parameters<Kernels[K]> } = {
  conv2d: [x(2, 3, 7, 6), x(5, 3, 3, 2), x(5), 2, padding],
  winogradConv2d: [x(2, 3, 7, 6), x(5, 3, 3, 3), x(5), 4, padding],
  upsampleConv2d: [x(2, 3, 4, 5), x(6, 3, 3, 3), undefined],
  linear: [x(2, 7, 3), x(5, 3), x(5)],
  groupNorm: [x(2, 6, 3), 3, x(6), x(6), 1e-5],
  layerNorm: [x(2, 3, 4), x(4), x(4), 1e-6],
  softmax: [x(2, 5)],
  entmax: [x(2, 5), 1.5],
  limitNorm: [x(2, 5), x(2, 5), 2],
  attentionScores: [x(2, 5, 6), x(2, 4, 6), 3, 0.5],
  attentionMap: [x(2, 5, 6), x(2, 4, 6), 3, 0.5],
  applyAttentionMap: [x(2, 3, 5, 4), x(2, 4, 6)],
  attention: [x(2, 5, 6), x(2, 4, 6), x(2, 4, 6), 2, 0.5],
  activation: [x(2, 3), 'mish'],
  upsampleNearest2x: [x(2, 3, 4, 5)],
  resizeNearest: [x(2, 3, 4, 5), 7, 9],
  averagePool2x: [x(2, 3, 5, 4)],
  concatChannels: [x(2, 3, 4), x(2, 5, 4)],
  sliceChannels: [x(2, 5, 4), 1, 4],
  concatBatch: [[x(2, 3), x(1, 3), x(4, 3)]],
  sliceBatch: [x(5, 3), 2, 4],
  reshape: [x(2, 3, 4), [6, 2, 1]],
  toTokens: [x(2, 3, 4, 5)],
  fromTokens: [x(2, 20, 3), 4, 5],
  add: [x(2, 3, 4), x(2, 3)],
  subtract: [x(2, 3), x(2, 3)],
  multiply: [x(2, 3, 4), x(2, 3, 4)],
  affine: [x(2, 3), 2, 1],
  divide: [x(2, 3), 3],
  conv2dWeightGradient: [x(2, 3, 7, 6), x(2, 5, 3, 4), 3, 2, 2, padding, undefined],
  transposeWeight: [x(5, 3, 3, 2)],
  transposeMap: [x(2, 3, 4, 5)],
  placePixels: [x(2, 3, 4, 5), 2, -1, 3, 8, 9],
  activationDerivative: [x(2, 3), 'gelu'],
  groupNormGradient: [x(2, 6, 3), x(2, 6, 3), x(6), 3, 1e-5],
  groupNormSums: [x(2, 6, 3), x(2, 6, 3), 3, 1e-5],
};

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

function operationOf(kind: Kind): { operation: Operation; tensors: readonly Tensor[] } {
  let found: { operation: Operation; tensors: readonly Tensor[] } | undefined;
  const kernels = kernelsFrom({
    operation: (operation, tensors, shape) => {
      found = { operation, tensors };
      return x(...shape);
    },
    joinedConv2d: (first) => first,
  });
  (kernels[kind] as (...given: readonly unknown[]) => Tensor)(...calls[kind]);
  if (!found) throw new Error(`${kind} was not handed on`);
  return found;
}

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
