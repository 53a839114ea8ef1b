/** What numbers become, where the goldens of diffusers do not reach: borders, and what is refused. */
import { describe, expect, it } from 'vitest';
import { fourierFeatures, lookUp, sinusoid } from '../../src/nn/embeddings.ts';
import { weight } from '../../src/nn/context.ts';
import { referenceKernels as kernels } from '../../src/kernels/plain/index.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { roundTo } from '../../src/tensor/rounding.ts';
import { tensor } from '../../src/tensor/tensor.ts';

describe('the sinusoid', () => {
  it('of time 0 is sin 0 and cos 0, whatever the frequencies', () => {
    expect([...sinusoid([0], 4, false, 0, 'f32').data]).toEqual([0, 0, 1, 1]);
    expect([...sinusoid([0], 4, true, 1, 'f32').data]).toEqual([1, 1, 0, 0]);
  });

  it('ends in a zero where its size is odd, and is all of that for size 1', () => {
    const odd = sinusoid([700], 5, false, 0, 'f32');
    expect([odd.shape, odd.data[4]]).toEqual([[1, 5], 0]);
    expect([...odd.data.slice(0, 4)]).toEqual([...sinusoid([700], 4, false, 0, 'f32').data]);
    expect([...sinusoid([3, 4], 1, false, 0, 'f32').data]).toEqual([0, 0]);
  });

  it('has the frequencies 1 and 1/10,000 at its ends with the shift of DDPM', () => {
    const [fast, slow] = sinusoid([1], 4, false, 1, 'f64').data;
    expect(fast).toBe(Math.fround(Math.sin(1)));
    expect(slow).toBeCloseTo(1e-4, 10);
  });

  it('rounds its times to float32 first, as torch does', () => {
    const times = Array.from({ length: 50 }, (_, i) => (i + 1) / 7 + 300);
    expect(sinusoid(times, 32, false, 0, 'f64')).toEqual(sinusoid(times.map(Math.fround), 32, false, 0, 'f64'));
  });

  it.each([0, -2, 2.5, NaN, Infinity])('refuses the size %d', (size) => {
    expect(() => sinusoid([1], size, false, 0, 'f32')).toThrow(
      new InputError(`sinusoid: the size must be a whole number from 1 on, but is ${size}`),
    );
  });

  it.each([
    [2, 1],
    [7, 3],
    [8, NaN],
    [8, Infinity],
  ])('refuses the size %d with the shift %d, which leave no frequencies', (size, shift) => {
    expect(() => sinusoid([1], size, false, shift, 'f32')).toThrow(
      new InputError(`sinusoid: with a size of ${size} and a shift of ${shift} there are no frequencies`),
    );
  });
});

describe('Fourier features', () => {
  it('of time 1, whose logarithm is 0, are sin 0 and cos 0', () => {
    const { shape, data } = fourierFeatures([1, 1], tensor('f32', [3], Float32Array.of(0.5, -7, 16)));
    expect(shape).toEqual([2, 6]);
    expect([...data].map(Math.abs)).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
  });

  it('are those of the precision of their weights', () => {
    const weights = tensor('bf16', [2], Float32Array.of(0.5, 1.5));
    const { dtype, data } = fourierFeatures([3], weights);
    expect(dtype).toBe('bf16');
    expect([...data]).toEqual([...data].map((value) => roundTo('bf16', value)));
  });
});

describe('looking up', () => {
  const table = tensor('f64', [3, 2], Float64Array.of(0, 1, 10, 11, 20, 21));

  it('gives the rows asked for, as often as they are', () => {
    expect(lookUp(table, [2, 0, 2])).toEqual(tensor('f64', [3, 2], Float64Array.of(20, 21, 0, 1, 20, 21)));
    expect(lookUp(table, []).shape).toEqual([0, 2]);
  });

  it.each([-1, 3, 0.5, NaN])('refuses the row %d', (index) => {
    expect(() => lookUp(table, [0, index])).toThrow(
      new InputError(`index ${index} is outside a table of 3 rows (0 to 2)`),
    );
  });

  it.each([[[6]], [[3, 2, 1]], [[]]])('refuses a table of shape [%s]', (shape) => {
    const data = new Float32Array(shape.length === 0 ? 1 : 6);
    expect(() => lookUp(tensor('f32', shape, data), [0])).toThrow(
      new InputError(`a table has a shape [n,D], but [${shape.join(', ')}] was given`),
    );
  });
});

it('a weight that the model does not have is named', () => {
  const context = { kernels, weights: new Map(), tap: <T>(_path: string, value: T): T => value, watches: () => false };
  expect(() => weight(context, 'mid_block.attentions.0.to_q.weight')).toThrow(
    new InputError('the model has no weight "mid_block.attentions.0.to_q.weight"'),
  );
});
