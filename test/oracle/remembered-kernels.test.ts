/** Kernels that remember a run: the same numbers, and what was computed in it is not computed again. */
import { describe, expect, it } from 'vitest';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import type { Kernels } from '../../src/kernels/kernels.ts';
import { remembering } from '../../src/oracle/remembered-kernels.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';

const vector = (...values: number[]): Tensor => tensor('f64', [1, values.length], Float64Array.from(values));

/** The kernels, and which of them have computed. */
function counted(): { readonly kernels: Kernels; readonly calls: string[] } {
  const calls: string[] = [];
  const counting = Object.entries(referenceKernels).map(([name, kernel]) => [
    name,
    (...given: never[]) => {
      calls.push(name);
      return (kernel as (...given: never[]) => Tensor)(...given);
    },
  ]);
  return { kernels: Object.fromEntries(counting) as Kernels, calls };
}

describe('kernels that remember', () => {
  const [x, y] = [vector(1, 2), vector(3, 4)];

  it('give what was computed of the same tensors, also where these were made anew', () => {
    const { kernels, calls } = counted();
    const { kernels: remembered, learn } = remembering(kernels);
    learn(() => remembered.affine(remembered.add(x, y), 2, 1));
    expect(calls).toEqual(['add', 'affine']);
    const sum = remembered.add(vector(1, 2), vector(3, 4));
    expect(remembered.affine(sum, 2, 1).data).toEqual(Float64Array.of(9, 13));
    expect(calls).toEqual(['add', 'affine']);
  });

  it('compute where a number, a tensor or the kernel is another', () => {
    const { kernels, calls } = counted();
    const { kernels: remembered, learn } = remembering(kernels);
    learn(() => [remembered.affine(x, 2, 1), remembered.add(x, y)]);
    expect(remembered.affine(x, 2, 3).data).toEqual(Float64Array.of(5, 7));
    expect(remembered.add(x, vector(3, 5)).data).toEqual(Float64Array.of(4, 7));
    expect(remembered.add(y, vector(1, 2)).data).toEqual(Float64Array.of(4, 6));
    expect(remembered.multiply(x, y).data).toEqual(Float64Array.of(3, 8));
    expect(calls.slice(2)).toEqual(['affine', 'add', 'add', 'multiply']);
  });

  it('tell zeros by their signs', () => {
    const { kernels: remembered, learn } = remembering(referenceKernels);
    learn(() => remembered.multiply(vector(0), vector(2)));
    expect(Object.is(remembered.multiply(vector(-0), vector(2)).data[0], -0)).toBe(true);
  });

  it('keep nothing of what is computed at other times', () => {
    const { kernels, calls } = counted();
    const { kernels: remembered } = remembering(kernels);
    for (let i = 0; i < 2; i++) remembered.add(x, y);
    expect(calls).toEqual(['add', 'add']);
  });

  it('take lists of tensors as tensors', () => {
    const { kernels, calls } = counted();
    const { kernels: remembered, learn } = remembering(kernels);
    learn(() => remembered.concatBatch([x, y]));
    expect(remembered.concatBatch([x, y]).shape).toEqual([2, 2]);
    expect(calls).toEqual(['concatBatch']);
    expect(remembered.concatBatch([y, x]).data).toEqual(Float64Array.of(3, 4, 1, 2));
  });
});
