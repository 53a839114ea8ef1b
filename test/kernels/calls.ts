/** A call of each operation, for what is asked of all of them. */
import type { Kernels } from '../../src/kernels/kernels.ts';
import { kernelsFrom, type Kind, type Operation } from '../../src/kernels/operations/index.ts';
import { zeros, type Tensor } from '../../src/tensor/tensor.ts';

/** Zeros of a shape. */
const x = (...shape: number[]): Tensor => zeros('f32', shape);
const padding = { top: 1, bottom: 0, left: 2, right: 1 };

/** A call of each kernel. */
export const calls: { readonly [K in Kind]: Parameters<Kernels[K]> } = {
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

/** The operation that a call of a kernel is, and its tensors. */
export function operationOf(kind: Kind): { operation: Operation; tensors: readonly Tensor[] } {
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
