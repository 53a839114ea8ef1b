import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  absQuantile,
  add,
  addScaled,
  clamp,
  combine,
  divide,
  divideBy,
  dot,
  lerp,
  mapElements,
  mean,
  multiply,
  norm,
  scale,
  shift,
  std,
  subtract,
} from '../../src/tensor/arithmetic.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { reshape, tensor } from '../../src/tensor/tensor.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { readGoldens, ulpOf } from './goldens.ts';

const { metadata, tensors } = readGoldens('arithmetic/arithmetic.safetensors');
const constants = JSON.parse(metadata.constants) as {
  factor: number;
  other: number;
  divisor: number;
  offset: number;
  low: number;
  high: number;
  quantiles: number[];
};
const SHAPE = [2, 3, 5, 7];

describe.each<DType>(['f64', 'f32', 'f16', 'bf16'])('%s against PyTorch, bit for bit', (dtype) => {
  const a = tensor(dtype, SHAPE, tensors[`${dtype}.a`]);
  const b = tensor(dtype, SHAPE, tensors[`${dtype}.b`]);
  const operations: Record<string, () => Tensor> = {
    add: () => add(a, b),
    subtract: () => subtract(a, b),
    multiply: () => multiply(a, b),
    divide: () => divide(a, b),
    scale: () => scale(a, constants.factor),
    divideBy: () => divideBy(a, constants.divisor),
    shift: () => shift(a, constants.offset),
    combine: () =>
      combine([
        [constants.factor, a],
        [constants.other, b],
      ]),
    clamp: () => clamp(a, constants.low, constants.high),
  };
  it.each(Object.keys(operations))('%s', (name) => {
    const result = operations[name]();
    expect([result.dtype, result.shape]).toEqual([dtype, SHAPE]);
    expect(result.data).toEqual(tensors[`${dtype}.${name}`]);
  });

  if (dtype === 'f16' || dtype === 'bf16') {
    it('has no quantile', () => {
      expect(() => absQuantile(a, 0.5)).toThrow(
        new InputError(`absQuantile is defined for f32 and f64, not for ${dtype}`),
      );
    });
    return;
  }
  it.each(constants.quantiles.map((q, i) => [q, i]))('quantile %d', (q, i) => {
    expect(absQuantile(reshape(a, [21, 10]), q)).toEqual(Array.from(tensors[`${dtype}.quantile${i}`]));
  });
});

describe.each<DType>(['f64', 'f32'])('statistics per sample of %s', (dtype) => {
  const a = tensor(dtype, SHAPE, tensors[`${dtype}.a`]);
  const b = tensor(dtype, SHAPE, tensors[`${dtype}.b`]);
  const statistics = { mean: mean(a), std: std(a), norm: norm(a), dot: dot(a, b) };
  it.each(Object.entries(statistics))('%s is that of PyTorch in double, up to the order of summation', (name, ours) => {
    const theirs = tensors[`${dtype}.${name}`];
    expect(ours).toHaveLength(2);
    // 105 terms of size ≤ 100 (products) or 10 (values), each rounding by at most 2⁻⁵³ of the running sum.
    const unit = 105 * ulpOf(name === 'dot' ? 100 : 10, 'f64');
    for (const [sample, value] of ours.entries()) expect(Math.abs(value - theirs[sample])).toBeLessThan(unit);
  });

  it('std without correction divides by n', () => {
    const n = 3 * 5 * 7;
    for (const [sample, value] of std(a, 0).entries())
      expect(value).toBeCloseTo(std(a)[sample] * Math.sqrt((n - 1) / n), 12);
  });
});

const samples = fc.integer({ min: 1, max: 4 });
const width = fc.integer({ min: 1, max: 6 });
const dtypes = fc.constantFrom<DType>('f64', 'f32', 'f16', 'bf16');

/** Tensors [samples, width] of one dtype. */
function tensorsOf(count: number): fc.Arbitrary<Tensor[]> {
  return fc.tuple(samples, width, dtypes).chain(([rows, columns, dtype]) => {
    const elements = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), {
      minLength: rows * columns,
      maxLength: rows * columns,
    });
    const one = elements.map((list) => cast(tensor('f64', [rows, columns], Float64Array.from(list)), dtype));
    return fc.array(one, { minLength: count, maxLength: count });
  });
}

describe('laws', () => {
  it('one number for each sample does what it does to each sample alone', () => {
    fc.assert(
      fc.property(
        tensorsOf(1),
        fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 4, maxLength: 4 }),
        ([x], numbers) => {
          const [rows, columns] = x.shape;
          const perSample = numbers.slice(0, rows);
          for (const operation of [scale, divideBy, shift]) {
            const together = operation(x, perSample).data;
            for (let row = 0; row < rows; row++) {
              const alone = operation(
                tensor(x.dtype, [1, columns], x.data.slice(row * columns, (row + 1) * columns)),
                perSample[row],
              );
              expect(together.slice(row * columns, (row + 1) * columns)).toEqual(alone.data);
            }
          }
        },
      ),
    );
  });

  it('combine, addScaled and lerp are the operations that they are made of', () => {
    fc.assert(
      fc.property(tensorsOf(3), ([a, b, c]) => {
        expect(
          combine([
            [0.3, a],
            [1.7, b],
            [-2, c],
          ]),
        ).toEqual(add(add(scale(a, 0.3), scale(b, 1.7)), scale(c, -2)));
        expect(addScaled(a, 0.3, b)).toEqual(add(a, scale(b, 0.3)));
        expect(lerp(a, b, 0.4)).toEqual(add(a, scale(subtract(b, a), 0.4)));
      }),
    );
  });

  it('no operation changes what it was given, and addition commutes', () => {
    fc.assert(
      fc.property(tensorsOf(2), ([a, b]) => {
        const before = [a.data.slice(), b.data.slice()];
        expect(add(a, b)).toEqual(add(b, a));
        for (const operation of [subtract, multiply, divide]) operation(a, b);
        clamp(a, -1, 1);
        if (a.dtype === 'f32' || a.dtype === 'f64') absQuantile(a, 0.3);
        expect([a.data, b.data]).toEqual(before);
      }),
    );
  });

  it('mapElements rounds what the function gives, and passes the index', () => {
    const x = tensor('bf16', [3], Float32Array.of(1, 2, 3));
    expect(Array.from(mapElements(x, (value, index) => value + index / 1000).data)).toEqual([1, 2, 3]);
    expect(Array.from(mapElements(x, (_, index) => index).data)).toEqual([0, 1, 2]);
  });
});

describe('special values and misuse', () => {
  const x = tensor('f32', [2, 2], Float32Array.of(1, NaN, -5, Infinity));

  it('clamp lets NaN through', () => {
    expect(Array.from(clamp(x, -2, 2).data)).toEqual([1, NaN, -2, 2]);
    expect(Array.from(clamp(x, [-2, -3], [0, 3]).data)).toEqual([0, NaN, -3, 3]);
  });

  it('clamp keeps the sign of a zero, and takes a limit of NaN for none', () => {
    const zeros = tensor('f32', [1, 2], Float32Array.of(-0, 0));
    expect(Array.from(clamp(zeros, 0, 0).data)).toEqual([-0, 0]);
    expect(Array.from(clamp(zeros, NaN, NaN).data)).toEqual([-0, 0]);
  });

  it('a quantile of a sample with a NaN is NaN, and the other samples are not touched', () => {
    expect(absQuantile(x, 0)).toEqual([NaN, 5]);
  });

  it('a number is rounded to f32 before it multiplies a tensor of f32', () => {
    const product = scale(tensor('f32', [1], Float32Array.of(9)), 0.1);
    expect(product.data[0]).toBe(Math.fround(9 * Math.fround(0.1)));
    expect(product.data[0]).not.toBe(Math.fround(9 * 0.1));
  });

  it('names both shapes, or both dtypes, when they differ', () => {
    const other = tensor('f32', [4], new Float32Array(4));
    for (const operation of [add, subtract, multiply, divide, dot]) {
      const { name } = operation;
      expect(() => operation(x, other)).toThrow(new InputError(`${name}: the shapes [2, 2] and [4] differ`));
      expect(() => operation(x, cast(x, 'f16'))).toThrow(new InputError(`${name}: the dtypes f32 and f16 differ`));
    }
  });

  it('refuses other numbers than one or one a sample, no terms, and a quantile that is none', () => {
    expect(() => scale(x, [1, 2, 3])).toThrow(
      new InputError('scale: 3 numbers were given for the 2 samples of shape [2, 2]'),
    );
    expect(() => combine([])).toThrow(new InputError('combine: there is no term to add'));
    for (const q of [1.5, -0.1, NaN])
      expect(() => absQuantile(x, q)).toThrow(new InputError(`absQuantile: q must lie in [0, 1], but is ${q}`));
  });

  it('a tensor without dimensions is one sample; one without samples has no statistics', () => {
    expect(mean(tensor('f32', [], Float32Array.of(3)))).toEqual([3]);
    expect(mean(tensor('f32', [0, 3], new Float32Array(0)))).toEqual([]);
    expect(scale(tensor('f32', [0, 3], new Float32Array(0)), 2).data).toHaveLength(0);
  });
});
