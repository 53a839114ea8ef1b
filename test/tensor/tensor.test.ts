import { describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/tensor/errors.ts';
import { allocate, extentOf, reshape, sameShape, shapeText, sizeOf, tensor, zeros } from '../../src/tensor/tensor.ts';
import type { DType } from '../../src/tensor/tensor.ts';

describe('a tensor', () => {
  it('knows its size; the empty shape is one number', () => {
    expect([sizeOf([]), sizeOf([2, 3, 4]), sizeOf([2, 0])]).toEqual([1, 24, 0]);
  });

  it.each<[DType, string]>([
    ['f64', 'Float64Array'],
    ['f32', 'Float32Array'],
    ['f16', 'Float32Array'],
    ['bf16', 'Float32Array'],
  ])('of %s is held in a %s', (dtype, kind) => {
    expect(allocate(dtype, 3).constructor.name).toBe(kind);
    expect(zeros(dtype, [2, 2])).toEqual({ dtype, shape: [2, 2], data: allocate(dtype, 4) });
  });

  it('shares its data under another shape, and refuses a shape of another size, naming both', () => {
    const x = tensor('f32', [2, 3], new Float32Array(6));
    expect(reshape(x, [3, 2]).data).toBe(x.data);
    expect(() => reshape(x, [4, 2])).toThrow(
      new InputError('a tensor of shape [4, 2] has 8 elements, but 6 were given'),
    );
  });

  it.each<[string, () => unknown, string]>([
    [
      'a dtype that is none',
      () => tensor('f31' as DType, [1], new Float32Array(1)),
      'there is no dtype "f31"; there are f64, f32, f16, bf16',
    ],
    [
      'zeros of a dtype that is none',
      () => zeros('int8' as DType, [1]),
      'there is no dtype "int8"; there are f64, f32, f16, bf16',
    ],
    [
      'doubles for f32',
      () => tensor('f32', [1], new Float64Array(1)),
      'f32 values are held in a Float32Array, found a Float64Array',
    ],
    [
      'a list for f64',
      () => tensor('f64', [1], [1] as unknown as Float64Array),
      'f64 values are held in a Float64Array, found [1]',
    ],
    [
      'nothing',
      () => tensor('f16', [1], undefined as unknown as Float32Array),
      'f16 values are held in a Float32Array, found undefined',
    ],
    [
      'negative extents',
      () => tensor('f32', [-2, -3], new Float32Array(6)),
      'a tensor cannot have the shape [-2, -3]; extents are whole numbers from 0 on',
    ],
    [
      'an extent that is no whole number',
      () => zeros('f32', [1.5, 2]),
      'a tensor cannot have the shape [1.5, 2]; extents are whole numbers from 0 on',
    ],
  ])('refuses %s', (_what, make, message) => {
    expect(make).toThrow(new InputError(message));
  });

  it('that the engine has no memory for is refused, other troubles are not hidden', () => {
    const failing = (problem: Error) =>
      vi.stubGlobal(
        'Float32Array',
        class {
          constructor() {
            throw problem;
          }
        },
      );
    try {
      failing(new RangeError('Array buffer allocation failed'));
      expect(() => zeros('f32', [7])).toThrow(
        new InputError('there is not enough memory for a tensor of 7 numbers; ask for fewer or smaller samples'),
      );
      failing(new TypeError('other'));
      expect(() => zeros('f32', [7])).toThrow('other');
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('has the extents of its shape, and no others', () => {
    const x = zeros('f32', [2, 0, 4]);
    expect([0, 1, 2].map((dimension) => extentOf(x, dimension))).toEqual([2, 0, 4]);
    expect(() => extentOf(x, 3)).toThrow(
      new InputError('a tensor of shape [2, 0, 4] has no dimension 3, counted from 0'),
    );
  });

  it('has a shape that can be compared and written', () => {
    expect([sameShape([2, 3], [2, 3]), sameShape([2, 3], [3, 2]), sameShape([2], [2, 1])]).toEqual([
      true,
      false,
      false,
    ]);
    expect(shapeText([2, 3, 4])).toBe('[2, 3, 4]');
  });
});
