/** Laws of norms and softmax. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Kernels } from '../../../src/kernels/kernels.ts';
import { allocate, reshape, tensor, zeros, type DType, type Tensor } from '../../../src/tensor/tensor.ts';
import { filled, groupNorms, layerNorms, shapes, tensors } from '../arbitraries.ts';
import { expectSameBits, expectWithin } from '../bits.ts';
import { EPS, type Subject } from './law.ts';

/** The greatest relative error of one rounding. */
const UNIT: Readonly<Record<DType, number>> = { f64: 2 ** -53, f32: 2 ** -24, f16: 2 ** -11, bf16: 2 ** -8 };

/** Declares the tests. */
export function lawsOfNorms({ dtype, compute, holds }: Subject): void {
  it('groupNorm gives every group mean 0 and variance 1', () =>
    holds(groupNorms(dtype, 'moderate', 2), ({ x: noise, groups }) => {
      const channels = noise.shape[1];
      // Signs alternate and sizes lie in [1, 4], so that each group has a variance of 0.8 or more, eps may be 0, and
      // results lie in [−8, 8].
      const x = {
        ...noise,
        data: noise.data.map((value, i) => Math.max(1, Math.abs(value)) * (i % 2 === 0 ? 1 : -1)),
      };
      const normed = compute({ x }, (k, { x }) =>
        k.groupNorm(x, groups, filled(dtype, [channels], 1), zeros(dtype, [channels]), 0),
      );
      const size = x.data.length / (x.shape[0] * groups);
      // The errors of a number: four roundings of intermediate values up to 8, the rounding of the result, and the
      // sums in double.
      const error = 32 * (dtype === 'f64' ? 2 ** -53 : 2 ** -24) + 8 * UNIT[dtype] + 4 * size * 2 ** -53;
      for (let start = 0; start < x.data.length; start += size) {
        const group = [...normed.data.subarray(start, start + size)];
        const mean = group.reduce((sum, value) => sum + value, 0) / size;
        const variance = group.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
        expect(Math.abs(mean)).toBeLessThanOrEqual(error);
        expect(Math.abs(variance - 1)).toBeLessThanOrEqual(2.5 * error); // 2 · mean|y| · error, and mean|y| ≤ 1
      }
    }));

  // In f64 alone: elsewhere their roundings differ by design.
  if (dtype === 'f64')
    it('layerNorm is groupNorm with one group, up to rounding', () =>
      holds(layerNorms(dtype), ({ x, weight, bias }) => {
        const [rows, channels] = x.shape;
        const byLayer = compute({ x }, (k, { x }) => k.layerNorm(x, weight, bias, EPS));
        const picture = reshape(x, [rows, channels, 1, 1]);
        const byGroup = compute({ picture }, (k, { picture }) => k.groupNorm(picture, 1, weight, bias, EPS));
        expectWithin(byLayer, byGroup, () => 1e-11);
      }));

  it('the rows of a softmax are weights: not negative, and of sum 1', () =>
    holds(
      shapes(4, 40).chain((shape) => tensors(dtype, shape)),
      (x) => {
        const weights = compute({ x }, (k, { x }) => k.softmax(x));
        const length = x.shape[1];
        for (let row = 0; row < x.data.length; row += length) {
          const values = [...weights.data.subarray(row, row + length)];
          expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
          // The total has at most 3 + 4 roundings in its lanes, the quotient one; what f16 loses of its subnormals is
          // less.
          expect(Math.abs(values.reduce((sum, value) => sum + value, 0) - 1)).toBeLessThanOrEqual(10 * UNIT[dtype]);
        }
      },
    ));

  it('a softmax does not see a shift of its row', () =>
    holds(
      fc.tuple(
        fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: -20, max: 20 }),
      ),
      ([row, shift]) => {
        // Exact in every dtype.
        const numbers = (by: number): Tensor =>
          tensor(
            dtype,
            [row.length],
            allocate(dtype, row.length).map((_, i) => row[i] / 4 + by),
          );
        const softmax = (k: Kernels, { x }: Readonly<Record<'x', Tensor>>): Tensor => k.softmax(x);
        expectSameBits(compute({ x: numbers(shift) }, softmax), compute({ x: numbers(0) }, softmax));
      },
    ));
}
