/**
 * One scale for all samples, or one for each: and a sample whose scale is neutral keeps its bits, whatever they are.
 */
import { describe, expect, it } from 'vitest';
import { extrapolate, isAll, keep, mapScale, push, scalesFor } from '../../src/guidance/scales.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';

const of = (...values: readonly number[]): Tensor => tensor('f32', [2, 1, 1, 2], Float32Array.from(values));

describe('a sample whose scale is neutral keeps its bits', () => {
  it('although it has a −0, which adding 0 would make 0', () => {
    const x = of(-0, 1, -0, 1);
    const direction = of(1, 1, 1, 1);
    expect(push(x, 0, direction)).toEqual(x);
    expect(push(x, [0, 2], direction)).toEqual(of(-0, 1, 2, 3));
    expect(extrapolate(of(3, 3, 3, 3), x, 1)).toEqual(x);
    expect(extrapolate(x, of(3, 3, 3, 3), [0, 1])).toEqual(of(-0, 1, 3, 3));
  });

  it('although the direction is infinite, of which 0 times is no number', () => {
    const x = of(0.5, 1, 2, 3);
    expect(push(x, [0, 1], of(Infinity, NaN, 1, 1))).toEqual(of(0.5, 1, 3, 4));
    expect(extrapolate(x, of(Infinity, 1, 4, 4), [0, 3])).toEqual(of(0.5, 1, 8, 6));
    expect(extrapolate(of(Infinity, NaN, 1, 1), x, [1, 2])).toEqual(of(0.5, 1, 3, 5));
  });
});

describe('keep', () => {
  it('takes the samples that are named from one tensor and the others from the other, and changes neither', () => {
    const [x, otherwise] = [of(1, 2, 3, 4), of(5, 6, 7, 8)];
    expect(keep(x, otherwise, (b) => b === 1)).toEqual(of(5, 6, 3, 4));
    expect(keep(x, otherwise, () => false)).toBe(otherwise);
    expect(keep(x, otherwise, () => true)).toEqual(x);
    expect([x, otherwise]).toEqual([of(1, 2, 3, 4), of(5, 6, 7, 8)]);
  });
});

describe('scales', () => {
  it('are all of one value when the one, or each, is', () => {
    expect([isAll(1, 1), isAll([1, 1], 1), isAll([1, 2], 1), isAll(2, 1), isAll(-0, 0)]).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  it('are mapped one by one, and spread over the batch', () => {
    expect([mapScale(3, (g) => g - 1), mapScale([3, 5], (g) => g - 1)]).toEqual([2, [2, 4]]);
    expect([scalesFor(3, of(1, 2, 3, 4)), scalesFor([3, 5], of(1, 2, 3, 4))]).toEqual([
      [3, 3],
      [3, 5],
    ]);
    expect(() => scalesFor([1, 2, 3], of(1, 2, 3, 4))).toThrow(InputError);
    expect(() => scalesFor([1, 2, 3], of(1, 2, 3, 4))).toThrow(
      '3 guidance scales are given for 2 samples; give one for each, or one for all',
    );
  });
});
