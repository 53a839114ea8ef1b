import { describe, expect, it } from 'vitest';
import { allocate, reshape, sameShape, shapeText, sizeOf, tensor, zeros } from '../../src/tensor/tensor.ts';
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
    expect(() => reshape(x, [4, 2])).toThrow('a tensor of shape [4, 2] has 8 elements, but 6 were given');
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
