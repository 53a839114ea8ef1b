/** The plain loops: their laws in all four dtypes, and the matrix product under them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumInRuns } from '../../src/kernels/definition/sums.ts';
import { referenceBackend, referenceKernels as kernels } from '../../src/kernels/plain/index.ts';
import { matmul, transpose } from '../../src/kernels/plain/matmul.ts';
import { allocate, tensor, zeros, type DType } from '../../src/tensor/tensor.ts';
import { extent, shapes, tensors } from './arbitraries.ts';
import { element, expectSameBits } from './bits.ts';
import { describeLaws } from './laws.ts';

const backend = referenceBackend();
const DTYPES: readonly DType[] = ['f32', 'f64', 'f16', 'bf16'];
for (const dtype of DTYPES) describeLaws(backend, dtype);

describe('matmul', () => {
  it.each(['f32', 'f64'] as const)('adds every element in order, in runs (%s)', (dtype) => {
    const matrices = fc
      .tuple(extent(11), fc.oneof(extent(8), extent(150)), extent(9), extent(70))
      .chain(([m, k, n, run]) =>
        fc.tuple(tensors(dtype, [m, k], 'any'), tensors(dtype, [k, n], 'any'), fc.constant(run)),
      );
    fc.assert(
      fc.property(matrices, ([a, b, run]) => {
        const [m, k] = a.shape;
        const n = b.shape[1];
        const products = allocate(dtype, k);
        const expected = zeros(dtype, [m, n]);
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            for (let step = 0; step < k; step++) products[step] = element(a, i, step) * element(b, step, j);
            expected.data[i * n + j] = sumInRuns(products, run);
          }
        }
        const out = zeros(dtype, [m, n]);
        out.data.fill(NaN); // what was there before must not matter
        matmul(out.data, a.data, b.data, m, k, n, run);
        expectSameBits(out, expected);
      }),
    );
  });

  it('gives zeros for sums without terms', () => {
    const out = new Float32Array(6).fill(7);
    matmul(out, new Float32Array(0), new Float32Array(0), 2, 0, 3);
    expect([...out]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('a matrix transposed twice is the matrix', () => {
    fc.assert(
      fc.property(
        shapes(7, 9).chain((shape) => tensors('f32', shape, 'any')),
        (x) => {
          const [rows, columns] = x.shape;
          expectSameBits(tensor('f32', x.shape, transpose(transpose(x.data, rows, columns), columns, rows)), x);
        },
      ),
    );
  });
});

describe('conv2d', () => {
  it('gives the same bits however many rows of patches fit into its memory', () => {
    // 65 channels × 9 taps × 230 pixels is more than is collected at a time for even two rows; a narrow strip is not.
    const [channels, height, width] = [65, 5, 230];
    const x = zeros('f32', [1, channels, height, width]);
    x.data.forEach((_, i) => {
      x.data[i] = Math.sin(i);
    });
    const weight = zeros('f32', [2, channels, 3, 3]);
    weight.data.forEach((_, i) => {
      weight.data[i] = Math.cos(3 * i);
    });
    const whole = kernels.conv2d(x, weight, undefined, 1, { top: 0, bottom: 0, left: 0, right: 0 });
    const strip = zeros('f32', [1, channels, 3, 3]);
    for (const column of [0, 113, width - 3]) {
      for (let y = 0; y + 3 <= height; y++) {
        for (let c = 0; c < channels; c++) {
          for (let i = 0; i < 9; i++) strip.data[c * 9 + i] = element(x, 0, c, y + Math.floor(i / 3), column + (i % 3));
        }
        const alone = kernels.conv2d(strip, weight, undefined, 1, { top: 0, bottom: 0, left: 0, right: 0 });
        for (let o = 0; o < 2; o++) expect(element(whole, 0, o, y, column)).toBe(alone.data[o]);
      }
    }
  });
});
