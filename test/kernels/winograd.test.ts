import { describe, expect, it } from 'vitest';
import { definitionKernels } from '../../src/kernels/definition/index.ts';
import { transformed2d, winogradTransforms, type Matrix } from '../../src/kernels/definition/winograd.ts';
import { productsOf } from '../../src/kernels/operations/index.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { inner } from './gradients/support.ts';

const exact = (value: number): number => value;
/** A matrix times a column, which is a picture one pixel wide. */
const transformed = (matrix: Matrix, column: ArrayLike<number>, round = exact): readonly number[] =>
  transformed2d(matrix, [[1]], column, round);

describe.each([2, 4] as const)('the matrices of F(%i, 3)', (m) => {
  const { input, weight, output } = winogradTransforms[m];

  it('make outputs of pixels and weights', () => {
    const { randn } = manualSeed(m);
    for (let draw = 0; draw < 20; draw++) {
      const pixels = randn([m + 2], 'f64').data;
      const weights = randn([3], 'f64').data;
      const of = transformed(weight, weights);
      const products = transformed(input, pixels).map((pixel, k) => pixel * of[k]);
      transformed(output, products).forEach((sum, i) => {
        const direct = pixels[i] * weights[0] + pixels[i + 1] * weights[1] + pixels[i + 2] * weights[2];
        expect(sum).toBeCloseTo(direct, 12);
      });
    }
  });
});

describe.each([2, 4] as const)("a weight's gradient in tiles of 2 × %i", (width) => {
  const even = { top: 1, bottom: 1, left: 1, right: 1 };
  const { randn } = manualSeed(width);
  const [x, gradient] = [randn([2, 3, 7, 18], 'f64'), randn([2, 4, 7, 18], 'f64')];
  const { conv2d, conv2dWeightGradient } = definitionKernels;

  it('is the gradient, in exact numbers', () => {
    const [tiled, direct] = [width, undefined].map((tile) => conv2dWeightGradient(x, gradient, 3, 3, 1, even, tile));
    tiled.data.forEach((value, i) => expect(value).toBeCloseTo(direct.data[i], 11));
  });

  it('is what the weight does to a convolution', () => {
    const weight = randn([4, 3, 3, 3], 'f64');
    const there = inner(conv2d(x, weight, undefined, 1, even), gradient).value;
    const back = inner(weight, conv2dWeightGradient(x, gradient, 3, 3, 1, even, width)).value;
    expect(back).toBeCloseTo(there, 10);
  });

  it('counts its products by whole tiles', () => {
    const operation = {
      kind: 'conv2dWeightGradient',
      kernelHeight: 3,
      kernelWidth: 3,
      stride: 1,
      padding: even,
    } as const;
    const tiles = 2 * 4 * (width === 2 ? 9 : 5);
    const shapes = [x.shape, gradient.shape];
    expect(productsOf({ ...operation, tileWidth: width }, shapes)).toBe(4 * (width + 2) * tiles * 3 * 4);
  });
});

describe('a transform', () => {
  /** The next float32 is 2 further on: 1 added to it is lost, 2 is not. */
  const big = 2 ** 24;

  it('adds from the left, and rounds each product and each addition', () => {
    expect(transformed([[1, 1, 1]], [big, 1, 1], Math.fround)).toEqual([big]);
    expect(transformed([[1, 1, 1]], [1, 1, big], Math.fround)).toEqual([big + 2]);
    expect(transformed([[1, 0.1]], [0, big + 2], Math.fround)).toEqual([Math.fround(0.1 * (big + 2))]);
  });

  it('leaves out what has the factor 0', () => {
    expect(transformed([[0, 1, 0]], [Infinity, 3, NaN], Math.fround)).toEqual([3]);
  });

  it('of a picture takes its columns first', () => {
    const sum = [[1, 1]];
    // (big + 0) + (1 + 1), not (big + 1) + (0 + 1).
    expect(transformed2d(sum, sum, [big, 1, 0, 1], Math.fround)).toEqual([big + 2]);
    expect(transformed2d(sum, sum, [big, 0, 1, 1], Math.fround)).toEqual([big]);
  });
});
