/** Numbers that are read when somebody asks for them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkTensor, isTensor } from '../../src/tensor/checks.ts';
import { deferred, deferredAs, identityOf, lengthOf, numbersOf, sourceOf } from '../../src/tensor/deferred.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor } from '../../src/tensor/tensor.ts';

/** Some numbers, and how often they have been read. */
function counted(numbers: readonly number[], format: 'f32' | 'f16' = 'f32') {
  const reads: (readonly [number, number])[] = [];
  const made = deferred(format, [numbers.length], {
    format,
    length: numbers.length,
    copyTo: () => expect.unreachable(),
    read(start, end) {
      reads.push([start, end]);
      return Float32Array.from(numbers.slice(start, end));
    },
  });
  return { made, reads };
}

describe('a deferred tensor', () => {
  test('is a tensor, whose size is known before its numbers are', () => {
    const { made, reads } = counted([1, 2, 3]);
    expect(isTensor(made)).toBe(true);
    expect(() => checkTensor('it', made)).not.toThrow();
    expect(() => checkTensor('it', { ...cast(made, 'f32'), shape: [4] })).toThrow('shape [4], but 3 numbers');
    expect(lengthOf(counted([1, 2]).made)).toBe(2);
    expect(reads.length).toBeLessThanOrEqual(1);
  });

  test('reads its numbers once where they are kept, and whenever they are asked for where they are not', () => {
    const { made, reads } = counted([1, 2, 3]);
    expect(numbersOf(made)).toEqual(Float32Array.of(1, 2, 3));
    expect(numbersOf(made, 1, 2)).toEqual(Float32Array.of(2));
    expect(reads).toEqual([
      [0, 3],
      [1, 2],
    ]);
    expect(made.data).toEqual(Float32Array.of(1, 2, 3));
    expect([made.data, numbersOf(made, 2), sourceOf(made)]).toEqual([numbersOf(made), Float32Array.of(3), undefined]);
    expect(reads.length).toBe(3);
  });

  test('is known by where its numbers are, under another shape and in a precision that holds them', () => {
    const { made, reads } = counted([1, 2, 3, 4], 'f16');
    const wider = cast(made, 'f32');
    expect([wider.dtype, identityOf(wider)]).toEqual(['f32', identityOf(made)]);
    const square = deferredAs(wider, 'f32', [2, 2]);
    expect(square && [square.shape, identityOf(square)]).toEqual([[2, 2], identityOf(made)]);
    expect(identityOf(counted([1, 2, 3, 4], 'f16').made)).not.toBe(identityOf(made));
    expect(reads).toEqual([]);
  });

  test('is read where its precision does not hold the numbers', () => {
    const { made } = counted([1 / 3]);
    expect(cast(made, 'f16').data[0]).toBe(cast(tensor('f32', [1], Float32Array.of(1 / 3)), 'f16').data[0]);
    expect(sourceOf(made)).toBeDefined();
  });

  test('becomes a plain one where it is copied, or sent to another thread', () => {
    const { made } = counted([1, 2]);
    for (const copy of [{ ...made }, structuredClone(made)]) {
      expect(copy).toEqual({ dtype: 'f32', shape: [2], data: Float32Array.of(1, 2) });
      expect(sourceOf(copy)).toBeUndefined();
    }
  });
});

test('numbers at hand are found without a copy', () => {
  fc.assert(
    fc.property(fc.array(fc.float(), { minLength: 1 }), fc.nat(), (numbers, at) => {
      const x = tensor('f32', [numbers.length], Float32Array.from(numbers));
      const start = at % numbers.length;
      expect(numbersOf(x, start)).toEqual(x.data.subarray(start));
      expect(numbersOf(x).buffer).toBe(x.data.buffer);
    }),
  );
});
