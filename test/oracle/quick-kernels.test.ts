import { describe, expect, it } from 'vitest';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import type { Kernels } from '../../src/kernels/kernels.ts';
import { quickKernels } from '../../src/oracle/matrix/kernels.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';

const dtypes: readonly DType[] = ['f64', 'f32', 'f16', 'bf16'];

/** Calls large enough that they are computed by the machine, and odd enough that blocks are not full. */
const calls: Readonly<Record<string, (kernels: Kernels, random: (...shape: number[]) => Tensor) => Tensor>> = {
  conv2d: (k, r) => k.conv2d(r(2, 9, 7, 6), r(5, 9, 3, 3), r(5), 1, { top: 1, bottom: 1, left: 1, right: 1 }),
  'conv2d, stride 2, zeros below and right': (k, r) =>
    k.conv2d(r(1, 12, 8, 9), r(7, 12, 3, 3), undefined, 2, { top: 0, bottom: 1, left: 0, right: 1 }),
  'conv2d, 1 × 1': (k, r) =>
    k.conv2d(r(1, 70, 4, 5), r(9, 70, 1, 1), r(9), 1, { top: 0, bottom: 0, left: 0, right: 0 }),
  winogradConv2d: (k, r) =>
    k.winogradConv2d(r(2, 70, 6, 9), r(9, 70, 3, 3), r(9), 4, { top: 1, bottom: 1, left: 1, right: 1 }),
  joinedConv2d: (k, r) =>
    k.joinedConv2d(r(2, 14, 5, 6), r(6, 14, 3, 3), r(6), 1, { top: 1, bottom: 1, left: 1, right: 1 }, 5),
  upsampleConv2d: (k, r) => k.upsampleConv2d(r(2, 9, 5, 4), r(6, 9, 3, 3), r(6)),
  linear: (k, r) => k.linear(r(3, 7, 130), r(19, 130), r(19)),
  'linear, one row': (k, r) => k.linear(r(1, 130), r(65, 130), undefined),
  attention: (k, r) => k.attention(r(2, 37, 12), r(2, 41, 12), r(2, 41, 12), 3, 0.5),
  attentionMap: (k, r) => k.attentionMap(r(2, 37, 12), r(2, 41, 12), 3, 0.3),
  applyAttentionMap: (k, r) => k.applyAttentionMap(r(2, 3, 37, 41), r(2, 41, 12)),
};

describe.each(dtypes)('the quick kernels have the bits of the plain ones in %s', (dtype) => {
  it.each(Object.entries(calls))('%s', (_, call) => {
    const random = () => {
      const generator = manualSeed(11);
      return (...shape: number[]): Tensor => cast(generator.randn(shape, 'f64'), dtype);
    };
    const [found, expected] = [quickKernels, referenceKernels].map((kernels) => call(kernels, random()));
    expect(found?.shape).toEqual(expected?.shape);
    expect(found?.dtype).toBe(dtype);
    expect([...(found?.data ?? [])]).toEqual([...(expected?.data ?? [])]);
  });
});
