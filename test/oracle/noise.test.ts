import { describe, expect, it } from 'vitest';
import { manualSeed } from '../../src/tensor/random.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { formats, type FormatName } from '../../src/oracle/honest/format.ts';
import { smallestOf } from '../../src/oracle/honest/noise.ts';
import { noisyKernels } from '../../src/oracle/honest/noisy-kernels.ts';
import { referenceKernels as exact } from '../../src/kernels/plain/index.ts';
import type { Kernels } from '../../src/kernels/kernels.ts';
import { applyOperation, kinds } from '../../src/kernels/operations/index.ts';
import { quickKernels } from '../../src/oracle/matrix/kernels.ts';
import { operationOf } from '../kernels/calls.ts';

const runs = 200;

/** The root mean square of the errors that noise brings into each number of what `run` computes. */
function errorsOf(
  format: FormatName,
  run: (kernels: Pick<Kernels, 'softmax' | 'activation'>) => { data: ArrayLike<number> },
) {
  const truth = Array.from(run(exact).data);
  const squares = truth.map(() => 0);
  const generator = manualSeed(3);
  for (let i = 0; i < runs; i++) {
    const { data } = run(noisyKernels(formats[format], generator));
    truth.forEach((value, at) => {
      squares[at] += (data[at] - value) ** 2 / runs;
    });
  }
  return squares.map(Math.sqrt);
}

describe('the noise of a softmax', () => {
  it('grows with the distance from the maximum: e^x errs with x', () => {
    const x = tensor('f64', [1, 3], Float64Array.of(0, -40, -80));
    const errors = errorsOf('f32', (kernels) => kernels.softmax(x));
    const [, middle, last] = Array.from(exact.softmax(x).data, (value, i) => errors[i] / value / 2 ** -24);
    // 3 and the distance, and one rounding on storing: 44 and 84 unit roundoffs.
    expect(middle / 44).toBeGreaterThan(0.8);
    expect(middle / 44).toBeLessThan(1.2);
    expect(last / 84).toBeGreaterThan(0.8);
    expect(last / 84).toBeLessThan(1.2);
  });
});

describe('an operation that errs in none', () => {
  const noisy = noisyKernels(formats.f32, manualSeed(0));

  it.each(kinds.filter((kind) => noisy[kind] === quickKernels[kind]))('%s only moves numbers', (kind) => {
    const { operation, tensors } = operationOf(kind);
    const given = tensors.map(({ shape }, i) => manualSeed(i).randn(shape, 'f64'));
    const known = new Set([0, ...given.flatMap(({ data }) => [...data])]);
    const made = [...applyOperation(noisy, operation, given).data].filter((value) => !known.has(value));
    expect(made, 'say in src/oracle/honest/noisy-kernels.ts how large its rounding is').toEqual([]);
  });
});

describe('the error that even the smallest results have', () => {
  it('is half of the smallest number of the storage', () => {
    expect(smallestOf(formats.f16)).toBe(2 ** -25);
    expect(smallestOf(formats.mixed)).toBe(2 ** -25);
    for (const name of ['f32', 'tf32', 'bf16'] as const) expect(smallestOf(formats[name])).toBe(2 ** -150);
  });

  it.each([
    ['softmax', (kernels) => kernels.softmax(tensor('f64', [1, 2], Float64Array.of(0, -700)))],
    ['SiLU', (kernels) => kernels.activation(tensor('f64', [1, 2], Float64Array.of(1, -700)), 'silu')],
  ] as readonly (readonly [string, Parameters<typeof errorsOf>[1]])[])('shows where a %s underflows', (_, run) => {
    const [, tiny] = errorsOf('f16', run);
    expect(tiny / 2 ** -25).toBeGreaterThan(0.8);
    expect(tiny / 2 ** -25).toBeLessThan(1.2);
  });
});
