/**
 * What no golden can see, by hand: the order in which an operation adds, where it rounds, what it does with −0 and NaN.
 * The numbers are so chosen that another order or another rounding gives another result.
 */
import { describe, expect, it } from 'vitest';
import { definitionKernels } from '../../src/kernels/definition/index.ts';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import { expf } from '../../src/tensor/math/index.ts';
import { roundTo } from '../../src/tensor/rounding.ts';
import { allocate, tensor, type DType, type Tensor } from '../../src/tensor/tensor.ts';
import { filled } from './arbitraries.ts';

/** The next float32 is 2 further on: 1 added to it is lost, 2 is not. */
const big = 2 ** 24;
/** The same in float64. */
const huge = 2 ** 53;
const f32 = Math.fround;
const no = { top: 0, bottom: 0, left: 0, right: 0 };

function of(dtype: DType, shape: readonly number[], numbers: readonly number[]): Tensor {
  const data = allocate(dtype, numbers.length);
  data.set(numbers);
  return tensor(dtype, shape, data);
}
const single = (shape: readonly number[], ...numbers: readonly number[]): Tensor => of('f32', shape, numbers);
const times = (count: number, number: number): readonly number[] => new Array<number>(count).fill(number);
const ones = (...shape: readonly number[]): Tensor => filled('f32', shape, 1);

describe.each([
  ['definition', definitionKernels],
  ['plain', referenceKernels],
] as const)('products, %s', (_name, kernels) => {
  // Lost one by one in the first run, 2 together in the second: see sums.test.ts.
  const inRunsOf64 = [big, ...times(65, 1)];

  it('linear: runs of 64 channels', () => {
    expect([...kernels.linear(single([2, 66], ...inRunsOf64, ...times(66, 1)), ones(1, 66), undefined).data]).toEqual([
      big + 2,
      66,
    ]);
  });

  it.each([2, 4] as const)('winogradConv2d, 2×%i: runs of 64 channels, the bias last', (width) => {
    const around = { top: 1, bottom: 1, left: 1, right: 1 };
    // The one pixel lies where each tile's first output sees it by the middle weight, and no weight is a fraction.
    const middle = Array.from({ length: 66 }, () => [0, 0, 0, 0, 4, 0, 0, 0, 0]).flat();
    const [x, weight] = [single([1, 66, 1, 1], ...inRunsOf64), single([1, 66, 3, 3], ...middle)];
    const sum = kernels.winogradConv2d(x, weight, undefined, 2, around).data[0];
    expect(sum).toBe(4 * (big + 2));
    expect(kernels.winogradConv2d(x, weight, ones(1), width, around).data[0]).toBe(
      f32(kernels.winogradConv2d(x, weight, undefined, width, around).data[0] + 1),
    );
  });

  it('conv2d: runs of whole channels, over c, then i, then j', () => {
    expect(kernels.conv2d(single([1, 66, 1, 1], ...inRunsOf64), ones(1, 66, 1, 1), undefined, 1, no).data[0]).toBe(
      big + 2,
    );
    // A kernel of three taps has runs of 22 channels, 66 terms; in the last channel there are two ones. Runs of 64
    // would leave four of them, runs of 69 none.
    const channels = [big, ...times(65, 1), 1, 0, 1];
    expect(kernels.conv2d(single([1, 23, 3, 1], ...channels), ones(1, 23, 3, 1), undefined, 1, no).data[0]).toBe(
      big + 2,
    );
    expect(kernels.conv2d(single([1, 23, 1, 3], ...channels), ones(1, 23, 1, 3), undefined, 1, no).data[0]).toBe(
      big + 2,
    );
    // Rows before columns: (big + 1) − big, not (big − big) + 1.
    expect(kernels.conv2d(single([1, 1, 2, 2], big, 1, -big, 0), ones(1, 1, 2, 2), undefined, 1, no).data[0]).toBe(0);
    expect(kernels.conv2d(single([1, 1, 2, 2], big, -big, 1, 0), ones(1, 1, 2, 2), undefined, 1, no).data[0]).toBe(1);
    // Channels before both.
    expect(kernels.conv2d(single([1, 2, 1, 2], big, 1, -big, 0), ones(1, 2, 1, 2), undefined, 1, no).data[0]).toBe(0);
  });

  it('upsampleConv2d: runs of 16 channels', () => {
    const x = single([1, 18, 1, 1], big, ...times(17, 1));
    const out = kernels.upsampleConv2d(
      x,
      single([1, 18, 3, 3], ...Array.from({ length: 18 }, () => [0, 0, 0, 0, 1, 0, 0, 0, 0]).flat()),
      undefined,
    );
    expect([...out.data]).toEqual(times(4, big + 2));
  });

  it('upsampleConv2d: of the weights that meet a pixel, rows are added before columns', () => {
    const weight = single([1, 1, 3, 3], ...[0, 0, 0], ...[0, big, -big], ...[0, 1, 1]);
    // The upper left output meets the pixel with the lower right four: (big + 1) + (−big + 1), not (big − big) + (1 +
    // 1).
    expect(kernels.upsampleConv2d(ones(1, 1, 1, 1), weight, undefined).data[0]).toBe(1);
  });

  it('attention: runs of 64 channels, and of 64 keys', () => {
    const keys = single([1, 2, 66], ...times(66, 1), 1, ...times(65, 0));
    const map = kernels.attentionMap(single([1, 1, 66], ...inRunsOf64), keys, 1, 1);
    const [far, total] = [expf(-2), f32(1 + expf(-2))]; // logits big + 2 and big
    expect([...map.data]).toEqual([f32(1 / total), f32(far / total)]);
    expect(kernels.applyAttentionMap(single([1, 1, 1, 66], ...inRunsOf64), ones(1, 66, 1)).data[0]).toBe(big + 2);
  });

  it('attention: the scale, rounded, meets the finished sum', () => {
    const scale = f32(0.1);
    /** Of a key with the logit 0, beside one with this logit. */
    const share = (logit: number): number => f32(expf(-logit) / f32(1 + expf(-logit)));
    const shareBeside = (...query: readonly number[]): number => {
      const keys = single([1, 2, query.length], ...times(query.length, 1), ...times(query.length, 0));
      return kernels.attentionMap(single([1, 1, query.length], ...query), keys, 1, 0.1).data[1];
    };
    expect(shareBeside(1, 18)).toBe(share(f32(19 * scale)));
    expect(share(f32(19 * scale))).not.toBe(share(f32(f32(scale) + f32(18 * scale))));
    expect(shareBeside(42)).toBe(share(f32(42 * scale)));
    expect(share(f32(42 * scale))).not.toBe(share(f32(42 * 0.1)));
  });

  it('rounds each product before it is added', () => {
    // What is left of a · b − f32(a · b) is nothing.
    const [a, b] = [f32(0.1), f32(0.7)];
    const product = f32(a * b);
    expect(product).not.toBe(a * b);
    const [x, w] = [
      [a, product],
      [b, -1],
    ] as const;
    expect(kernels.linear(single([1, 2], ...x), single([1, 2], ...w), undefined).data[0]).toBe(0);
    expect(kernels.conv2d(single([1, 2, 1, 1], ...x), single([1, 2, 1, 1], ...w), undefined, 1, no).data[0]).toBe(0);
    expect(kernels.applyAttentionMap(single([1, 1, 1, 2], ...x), single([1, 2, 1], ...w)).data[0]).toBe(0);
    const bias = single([1], -product);
    expect(kernels.linear(single([1, 1], a), single([1, 1], b), bias).data[0]).toBe(0);
    expect(kernels.conv2d(single([1, 1, 1, 1], a), single([1, 1, 1, 1], b), bias, 1, no).data[0]).toBe(0);
  });

  it('adds the bias to the finished sum', () => {
    const bias = single([1], 1);
    expect(kernels.linear(single([1, 2], big, -big), ones(1, 2), bias).data[0]).toBe(1);
    expect(kernels.linear(single([1, 2], big, 1), ones(1, 2), bias).data[0]).toBe(big);
    expect(kernels.conv2d(single([1, 1, 1, 2], big, 1), ones(1, 1, 1, 2), bias, 1, no).data[0]).toBe(big);
    const one = single([1, 1, 3, 3], 0, 0, 0, 0, 1, 0, 0, 0, 0);
    expect([...kernels.upsampleConv2d(single([1, 1, 1, 1], big), one, bias).data]).toEqual(times(4, big));
  });

  it('joinedConv2d: (first + bias) + second, each sum with runs of its own', () => {
    const joined = (bias: number, seam: number, ...x: readonly number[]): number =>
      kernels.joinedConv2d(single([1, x.length, 1, 1], ...x), ones(1, x.length, 1, 1), single([1], bias), 1, no, seam)
        .data[0];
    expect(joined(1, 1, big, -big)).toBe(0); // (big + 1) − big
    expect(joined(1, 1, big, 1)).toBe(big); // (big + 1) + 1, not big + (1 + 1)
    expect(joined(0, 1, big, 1, 1)).toBe(big + 2); // big + (1 + 1)
    expect(joined(0, 2, big, 1, 1)).toBe(big); // (big + 1) + 1
  });

  it('16-bit formats round what is stored, and nothing before it', () => {
    // f16 has no 2049, bf16 no 257; ties go to the even one.
    for (const [dtype, edge] of [
      ['f16', 2048],
      ['bf16', 256],
    ] as const) {
      const x = of(dtype, [1, 2, 1, 1], [edge, 1]);
      const w = of(dtype, [1, 2, 1, 1], [1, 1]);
      const bias = of(dtype, [1], [1]);
      expect(kernels.conv2d(x, w, undefined, 1, no).data[0]).toBe(edge);
      expect(kernels.conv2d(x, w, bias, 1, no).data[0]).toBe(edge + 2);
      expect(kernels.joinedConv2d(x, w, bias, 1, no, 1).data[0]).toBe(edge + 2);
      const rows = { x: of(dtype, [1, 2], [edge, 1]), w: of(dtype, [1, 2], [1, 1]) };
      expect(kernels.linear(rows.x, rows.w, undefined).data[0]).toBe(edge);
      expect(kernels.linear(rows.x, rows.w, bias).data[0]).toBe(edge + 2);
      // Of the weights that meet one pixel, the sum edge + 1 is not rounded, so 2 are left after the edge is gone.
      const met = of(dtype, [1, 2, 3, 3], [0, 0, 0, 0, edge, 1, 0, 1, 0, 0, 0, 0, 0, -edge, 0, 0, 0, 0]);
      const doubled = kernels.upsampleConv2d(of(dtype, [1, 2, 1, 1], [1, 1]), met, undefined);
      expect([...doubled.data]).toEqual([2, 1, 1, 0]);
    }
  });

  it('f16 and bf16 store the map before it meets the values', () => {
    for (const dtype of ['f16', 'bf16'] as const) {
      const third = roundTo(dtype, 1 / 3);
      const [q, k] = [of(dtype, [1, 1, 1], [0]), of(dtype, [1, 3, 1], [0, 0, 0])];
      const v = of(dtype, [1, 3, 1], [512, 512, -1024]);
      expect([...kernels.attentionMap(q, k, 1, 1).data]).toEqual([third, third, third]);
      expect(kernels.attention(q, k, v, 1, 1).data[0]).toBe(0);
      const one = of(dtype, [1, 3, 1], [3, 0, 0]);
      expect(kernels.attention(q, k, one, 1, 1).data[0]).toBe(roundTo(dtype, 3 * third));
    }
  });
});

describe.each([
  ['definition', definitionKernels],
  ['plain', referenceKernels],
] as const)('rows and groups, %s', (_name, kernels) => {
  it('softmax: 16 lanes, in float32', () => {
    // 1 and, three times, a power of 2⁻²⁵ or so. In a lane of their own they make a difference to the 1, in its lane
    // none.
    const small = -17.4;
    expect(f32(1 + expf(small))).toBe(1);
    expect(f32(1 + f32(3 * expf(small)))).toBeGreaterThan(1);
    const shareOfFirst = (...places: readonly number[]): number => {
      const row = single([64], 0, ...times(63, -Infinity));
      for (const place of places) row.data[place] = small;
      return kernels.softmax(row).data[0];
    };
    expect(shareOfFirst(16, 32, 48)).toBe(1);
    expect(shareOfFirst(8, 24, 40)).toBeLessThan(1);
    expect(shareOfFirst(15, 31, 47)).toBeLessThan(1);
    expect(shareOfFirst(1, 3, 5)).toBeLessThan(1);
  });

  it('entmax: shares of sum 1, and 0 from a threshold on', () => {
    const shares = (alpha: 1.5 | 2, ...row: readonly number[]) => [
      ...kernels.entmax(of('f64', [row.length], row), alpha).data,
    ];
    // Of two numbers d apart sparsemax gives the larger (1 + d)/2.
    expect(shares(2, 0.5, 0)).toEqual([0.75, 0.25]);
    expect(shares(2, 7, 5.9, 6)).toEqual([1, 0, 0]);
    expect(shares(2, -1, -1, -1, -1)).toEqual([0.25, 0.25, 0.25, 0.25]);
    // α = 1.5: from the difference of 2 on all is the larger's.
    expect(shares(1.5, 2, 0)).toEqual([1, 0]);
    expect(shares(1.5, 3, 3)).toEqual([0.5, 0.5].map((share) => expect.closeTo(share, 15)));
    const [first, second] = shares(1.5, 1, 0) as [number, number];
    // √p₁ − √p₂ = 1/2, p₁ + p₂ = 1.
    expect(Math.sqrt(first) - Math.sqrt(second)).toBeCloseTo(0.5, 14);
    expect(first + second).toBeCloseTo(1, 14);
    for (const alpha of [1.5, 2] as const) {
      expect(shares(alpha, 0, -Infinity)).toEqual([1, 0]);
      expect(shares(alpha, 0, NaN)).toEqual([NaN, NaN]);
      expect(shares(alpha, -Infinity, -Infinity)).toEqual([NaN, NaN]);
    }
    // In double precision: 1 below big is not big.
    expect(kernels.entmax(single([2], 0.25, 0), 2).data[1]).toBe(0.375);
  });

  it('limitNorm: rows of more than τ times the L1 norm are cut to it', () => {
    const x = single([3, 2], 3, -1, 3, -1, 0, -0);
    const like = single([3, 2], 1, 1, -4, 0, 5, 5);
    expect([...kernels.limitNorm(x, like, 1).data]).toEqual([1.5, -0.5, 3, -1, 0, -0]);
    expect([...kernels.limitNorm(x, like, 0.5).data]).toEqual([0.75, -0.25, 1.5, -0.5, 0, -0]);
    expect([...kernels.limitNorm(x, single([3, 2], 0, 0, 0, 0, 0, 0), 1).data]).toEqual([0, -0, 0, -0, 0, -0]);
    // The norms are summed in double precision, the factor is not rounded.
    expect(kernels.limitNorm(single([3], big, 1, 1), single([3], big, 2, 0), 1).data[1]).toBe(1);
  });

  it('softmax: differences, powers and shares', () => {
    expect([...kernels.softmax(single([2, 2], 3, 3, 0, -Infinity)).data]).toEqual([0.5, 0.5, 1, 0]);
    expect([...kernels.softmax(single([2], 1000, 1001)).data]).toEqual([
      f32(expf(-1) / f32(1 + expf(-1))),
      f32(1 / f32(1 + expf(-1))),
    ]);
    // The difference is rounded: 1 below big is big.
    expect([...kernels.softmax(single([2], -1, big)).data]).toEqual([0, 1]);
    expect([...kernels.softmax(single([3], 0, NaN, 1)).data]).toEqual([NaN, NaN, NaN]);
    expect([...kernels.softmax(single([2], -Infinity, -Infinity)).data]).toEqual([NaN, NaN]);
    expect([...kernels.softmax(of('f64', [2], [0, -40])).data]).toEqual([1, 4.248354255291589e-18]);
  });

  it('norms: the mean is summed in eight lanes, in float64', () => {
    // The mean of these is 1/8, which is what the zeros are below it; in one sum it would be 0.
    const row = [huge, 1, 0, 0, -huge, 0, 0, 0];
    const normed = kernels.layerNorm(
      of('f64', [1, 8], row),
      of('f64', [8], times(8, 1)),
      of('f64', [8], times(8, 0)),
      0,
    );
    expect(normed.data[2]).toBe(-0.125 / (huge / 2));
    const grouped = kernels.groupNorm(of('f64', [1, 1, 8], row), 1, of('f64', [1], [1]), of('f64', [1], [0]), 0);
    expect(grouped.data[2]).toBe(-0.125 / (huge / 2));
  });

  it('groupNorm is scale and shift, layerNorm what is normed', () => {
    // Mean big + 1, deviation 1. The shift −(big + 1) is rounded to −big.
    const grouped = kernels.groupNorm(single([1, 1, 2], big, big + 2), 1, ones(1), single([1], 0), 0);
    expect([...grouped.data]).toEqual([0, 2]);
    const normed = kernels.layerNorm(single([1, 2], big, big + 2), ones(2), single([2], 0, 0), 0);
    expect([...normed.data]).toEqual([-1, 1]);
    const exactly = kernels.groupNorm(
      of('f64', [1, 1, 2], [big, big + 2]),
      1,
      of('f64', [1], [1]),
      of('f64', [1], [0]),
      0,
    );
    expect([...exactly.data]).toEqual([-1, 1]);
  });

  it('norms: groups are channels that follow one another, each with its own weight and bias', () => {
    const x = single([2, 4, 1], -1, 1, -2, 2, 10, 30, 5, 5);
    const out = kernels.groupNorm(x, 2, single([4], 1, 2, 3, 4), single([4], 0, 10, 100, 1000), 0.25);
    // Deviations 1, 2, 10 and 0, and eps.
    const [a, b, c] = [1 / Math.sqrt(1.25), 1 / Math.sqrt(4.25), 1 / Math.sqrt(100.25)];
    const affine = (value: number, mean: number, rstd: number, weight: number, bias: number): number => {
      const scale = f32(rstd * weight);
      return f32(f32(value * scale) + f32(bias - mean * scale));
    };
    expect([...out.data]).toEqual([
      ...[affine(-1, 0, a, 1, 0), affine(1, 0, a, 2, 10), affine(-2, 0, b, 3, 100), affine(2, 0, b, 4, 1000)],
      ...[affine(10, 20, c, 1, 0), affine(30, 20, c, 2, 10), affine(5, 5, 2, 3, 100), affine(5, 5, 2, 4, 1000)],
    ]);
  });

  it('norms round the product before they add', () => {
    // The deviation is √3, so each product is rounded; what the bias leaves of it is nothing.
    const x = [-3, 1, 1, 1];
    const scale = f32(1 / Math.sqrt(3));
    const grouped = kernels.groupNorm(single([1, 1, 4], ...x), 1, ones(1), single([1], f32(3 * scale)), 0);
    expect(grouped.data[0]).toBe(0);
    const weight = f32(0.7);
    const normed = f32(-3 * (1 / Math.sqrt(3)));
    const bias = single([4], -f32(normed * weight), 0, 0, 0);
    expect(kernels.layerNorm(single([1, 4], ...x), single([4], ...times(4, weight)), bias, 0).data[0]).toBe(0);
    const third = f32(1 / Math.sqrt(3));
    expect(kernels.layerNorm(single([1, 4], ...x), single([4], 1, 1, 1, 1), single([4], 0, 0, 0, 0), 0).data[1]).toBe(
      third,
    );
  });
});

describe.each([
  ['definition', definitionKernels],
  ['plain', referenceKernels],
] as const)('number by number, %s', (_name, kernels) => {
  it('averagePool2x: upper left, upper right, lower left, lower right', () => {
    const pool = (...pixels: readonly number[]): number =>
      kernels.averagePool2x(single([1, 1, 2, 2], ...pixels)).data[0];
    expect(pool(big, -big, 1, 1)).toBe(0.5);
    expect(pool(big, 1, -big, 1)).toBe(0.25);
    expect(pool(big, 1, 1, -big)).toBe(0);
    expect(pool(1, 1, big, -big)).toBe(0.5);
    // An odd last row and column fall away.
    expect([...kernels.averagePool2x(single([1, 1, 3, 3], 1, 2, 9, 3, 6, 9, 9, 9, 9)).data]).toEqual([3]);
  });

  it('resizeNearest: the pixel up and to the left', () => {
    const picture = single([1, 1, 2, 3], 1, 2, 3, 4, 5, 6);
    expect([...kernels.resizeNearest(picture, 3, 5).data]).toEqual([1, 1, 2, 2, 3, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6]);
    expect([...kernels.resizeNearest(picture, 1, 2).data]).toEqual([1, 2]);
  });

  it('upsampleNearest2x: each pixel four times', () => {
    expect([...kernels.upsampleNearest2x(single([1, 1, 2, 3], 1, 2, 3, 4, 5, 6)).data]).toEqual([
      ...[1, 1, 2, 2, 3, 3],
      ...[1, 1, 2, 2, 3, 3],
      ...[4, 4, 5, 5, 6, 6],
      ...[4, 4, 5, 5, 6, 6],
    ]);
  });

  it('affine: the factor, the offset, the product and the sum are each rounded', () => {
    const affine = (x: number, factor: number, offset: number): number =>
      kernels.affine(single([1], x), factor, offset).data[0];
    const product = f32(f32(0.7) * f32(0.1));
    expect(affine(f32(0.7), 0.1, -product)).toBe(0);
    expect(affine(9, 0.1, 0)).toBe(f32(9 * f32(0.1)));
    expect(affine(9, 0.1, 0)).not.toBe(f32(9 * 0.1));
    expect(affine(0, 1, 0.1)).toBe(f32(0.1));
    // 2²⁴ + 1 as an offset is 2²⁴ already, so −1 gives its neighbour below.
    expect(affine(-1, 1, big + 1)).toBe(big - 1);
    expect(kernels.affine(of('f64', [1], [0.7]), 0.1, 0.3).data[0]).toBe(0.7 * 0.1 + 0.3);
    expect(kernels.affine(of('f16', [1], [2048]), 1, 1).data[0]).toBe(2048);
  });

  it('divide: the divisor is rounded, and the quotient', () => {
    const quotient = kernels.divide(single([1], 9), 0.7).data[0];
    expect(quotient).toBe(f32(9 / f32(0.7)));
    expect(quotient).not.toBe(f32(9 / 0.7));
    expect(kernels.divide(of('f64', [1], [9]), 0.1).data[0]).toBe(9 / 0.1);
    expect(kernels.divide(of('bf16', [1], [1]), 3).data[0]).toBe(roundTo('bf16', 1 / 3));
  });

  it('add and multiply spread a number over the pixels of its channel', () => {
    const a = single([2, 2, 1, 2], 1, 2, 3, 4, 5, 6, 7, 8);
    const b = single([2, 2], 10, 20, 30, 40);
    expect([...kernels.add(a, b).data]).toEqual([11, 12, 23, 24, 35, 36, 47, 48]);
    expect([...kernels.multiply(a, b).data]).toEqual([10, 20, 60, 80, 150, 180, 280, 320]);
    expect([...kernels.subtract(b, single([2, 2], 1, 2, 3, 4)).data]).toEqual([9, 18, 27, 36]);
  });

  it('relu: NaN stays, and −0 becomes +0', () => {
    expect([...kernels.activation(single([5], NaN, -0, -1, 2, Infinity), 'relu').data]).toEqual([
      NaN,
      0,
      0,
      2,
      Infinity,
    ]);
  });

  it('a sum is never −0, a product may be', () => {
    expect(kernels.linear(single([1, 1], -0), ones(1, 1), undefined).data[0]).toBe(0);
    expect(kernels.linear(single([1, 1], -0), ones(1, 1), single([1], -0)).data[0]).toBe(0);
    expect(kernels.applyAttentionMap(ones(1, 1, 1, 1), single([1, 1, 1], -0)).data[0]).toBe(0);
    expect(kernels.multiply(single([1], -0), ones(1)).data[0]).toBe(-0);
    expect(kernels.affine(single([1], -0), 1, 0).data[0]).toBe(0);
    expect(kernels.affine(single([1], -0), 1, -0).data[0]).toBe(-0);
  });

  it('joining and cutting', () => {
    const a = single([2, 1, 2], 1, 2, 3, 4);
    const b = single([2, 2, 2], 5, 6, 7, 8, 9, 10, 11, 12);
    const joined = kernels.concatChannels(a, b);
    expect(joined.shape).toEqual([2, 3, 2]);
    expect([...joined.data]).toEqual([1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12]);
    expect([...kernels.sliceChannels(joined, 1, 2).data]).toEqual([5, 6, 9, 10]);
    const stacked = kernels.concatBatch([a, single([1, 1, 2], 20, 21), a]);
    expect(stacked.shape).toEqual([5, 1, 2]);
    expect([...stacked.data]).toEqual([1, 2, 3, 4, 20, 21, 1, 2, 3, 4]);
    expect([...kernels.sliceBatch(stacked, 1, 3).data]).toEqual([3, 4, 20, 21]);
  });

  it('a picture as tokens, and back', () => {
    const picture = single([1, 2, 2, 3], 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60);
    const tokens = kernels.toTokens(picture);
    expect(tokens.shape).toEqual([1, 6, 2]);
    expect([...tokens.data]).toEqual([1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60]);
    const back = kernels.fromTokens(tokens, 2, 3);
    expect(back.shape).toEqual([1, 2, 2, 3]);
    expect([...back.data]).toEqual([...picture.data]);
  });
});

describe.each([
  ['definition', definitionKernels],
  ['plain', referenceKernels],
] as const)('what only gradients have, %s', (_name, kernels) => {
  it('conv2dWeightGradient: runs of whole rows, of 64 pixels or just more; then sample after sample', () => {
    const sum = (shape: readonly number[], ...pixels: readonly number[]): number => {
      const picture = single(shape, ...pixels);
      return kernels.conv2dWeightGradient(picture, ones(...shape), 1, 1, 1, no).data[0];
    };
    expect(sum([1, 1, 6, 11], big, ...times(65, 1))).toBe(big);
    expect(sum([1, 1, 8, 11], big, ...times(87, 1))).toBe(big + 22);
    expect(sum([1, 1, 66, 1], big, ...times(65, 1))).toBe(big + 2);
    expect(sum([1, 1, 1, 66], big, ...times(65, 1))).toBe(big);
    expect(sum([2, 1, 3, 11], big, ...times(65, 1))).toBe(big + 32);
    expect(sum([66, 1, 1, 1], big, ...times(65, 1))).toBe(big);
    // The runs of a sample are added up before they meet those of others.
    const zeros = times(63, 0);
    expect(sum([2, 1, 2, 64], big, ...zeros, 0, ...zeros, 1, ...zeros, 1, ...zeros)).toBe(big + 2);
    expect(sum([1, 1, 2, 2], big, 1, -big, 0)).toBe(0);
    expect(sum([1, 1, 2, 2], big, -big, 1, 0)).toBe(1);
    expect(sum([2, 1, 1, 2], big, 1, -big, 0)).toBe(0);
  });

  it('conv2dWeightGradient: each weight gets what it met', () => {
    const x = single([1, 1, 2, 3], 1, 2, 3, 4, 5, 6);
    const gradient = single([1, 1, 1, 2], 10, 100);
    // Stride 2, a column of zeros before: outputs at columns −1 and 1.
    const out = kernels.conv2dWeightGradient(x, gradient, 2, 2, 2, { ...no, left: 1 });
    expect([...out.data]).toEqual([200, 310, 500, 640]);
    expect(kernels.conv2dWeightGradient(single([1, 1, 1, 1], -0), ones(1, 1, 1, 1), 1, 1, 1, no).data[0]).toBe(0);
    // An infinite gradient meets the padding, as an infinite weight does.
    const infinite = single([1, 1, 1, 1], Infinity);
    expect(kernels.conv2dWeightGradient(ones(1, 1, 1, 1), infinite, 1, 2, 1, { ...no, left: 1 }).data[0]).toBe(NaN);
  });

  it('transposeWeight: kernels are turned, a matrix is not', () => {
    expect([...kernels.transposeWeight(single([2, 1, 1, 3], 1, 2, 3, 4, 5, 6)).data]).toEqual([3, 2, 1, 6, 5, 4]);
    expect([...kernels.transposeWeight(single([2, 3], 1, 2, 3, 4, 5, 6)).data]).toEqual([1, 4, 2, 5, 3, 6]);
    expect(kernels.transposeWeight(ones(2, 3, 5, 4)).shape).toEqual([3, 2, 5, 4]);
  });

  it('transposeMap: head by head', () => {
    const map = single([1, 2, 1, 3], 1, 2, -0, 4, 5, 6);
    expect([...kernels.transposeMap(map).data]).toEqual([...map.data]);
    expect(kernels.transposeMap(map).shape).toEqual([1, 2, 3, 1]);
    expect([...kernels.transposeMap(single([1, 1, 2, 3], 1, 2, 3, 4, 5, 6)).data]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it('placePixels: apart, and what lies outside falls away', () => {
    const x = single([1, 1, 2, 2], 1, 2, 3, -0);
    expect([...kernels.placePixels(x, 2, 0, 1, 3, 4).data]).toEqual([0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, -0]);
    expect([...kernels.placePixels(x, 1, -1, -1, 1, 2).data]).toEqual([-0, 0]);
    const two = single([1, 2, 2, 2], 1, 2, 3, 4, 5, 6, 7, 8);
    expect([...kernels.placePixels(two, 1, 1, 1, 2, 2).data]).toEqual([0, 0, 0, 1, 0, 0, 0, 5]);
  });

  it('activationDerivative: of SiLU each operation is rounded to float32', () => {
    const x = f32(0.7);
    const s = f32(1 / f32(1 + expf(-x)));
    expect(kernels.activationDerivative(single([1], x), 'silu').data[0]).toBe(f32(s * f32(1 + f32(x * f32(1 - s)))));
    expect([...kernels.activationDerivative(single([5], NaN, -1, 0, 2, Infinity), 'relu').data]).toEqual([
      ...[NaN, 0, 0, 1, 1],
    ]);
    expect(kernels.activationDerivative(single([1], 30), 'mish').data[0]).toBe(1);
  });

  it('groupNormGradient: sums in float64, in eight lanes', () => {
    // x̂ is ±1; what comes back alike, and in proportion to it, is taken off.
    const x = single([1, 2, 2], 1, 3, 1, 3);
    const back = (gradient: readonly number[], eps: number, weight = [1, 1]): readonly number[] => [
      ...kernels.groupNormGradient(x, single([1, 2, 2], ...gradient), single([2], ...weight), 1, eps).data,
    ];
    expect(back([5, 5, 5, 5], 0)).toEqual(times(4, 0));
    expect(back([-2, 2, -2, 2], 0)).toEqual(times(4, 0));
    expect(back([1, 0, -1, 0], 0)).toEqual([1, 0, -1, 0]);
    expect(back([1, 0, -1, 0], 3)).toEqual([0.5, 0, -0.5, 0]);
    expect(back([1, 0, -0.5, 0], 3, [1, 2])).toEqual([0.5, 0, -0.5, 0]);
    // The mean of these is 1/8, which is what is taken off the zeros; in one sum it would be 0.
    const g = of('f64', [1, 1, 8], [huge, 1, 0, 0, -huge, 0, 0, 0]);
    const flat = of('f64', [1, 1, 8], times(8, 0));
    expect(kernels.groupNormGradient(flat, g, of('f64', [1], [1]), 1, 1).data[2]).toBe(-0.125);
  });

  it('groupNormSums: of each channel, in float64, in eight lanes', () => {
    const x = single([1, 2, 2], 1, 3, 1, 3);
    expect([...kernels.groupNormSums(x, single([1, 2, 2], 1, 2, -1, 4), 1, 0).data]).toEqual([1, 5, 3, 3]);
    expect([...kernels.groupNormSums(x, single([1, 2, 2], 1, 2, -1, 4), 1, 3).data]).toEqual([0.5, 2.5, 3, 3]);
    const flat = of('f64', [1, 1, 8], times(8, 0));
    expect(kernels.groupNormSums(flat, of('f64', [1, 1, 8], [huge, 1, 0, 0, -huge, 0, 0, 0]), 1, 1).data[1]).toBe(1);
  });
});
