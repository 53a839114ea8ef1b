/** What the tests of the fast kernels share: random tensors with awkward values, and comparison bit by bit. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { referenceKernels } from '../../../src/kernels/plain/index.ts';
import type { Backend, Program, Tensors } from '../../../src/kernels/kernels.ts';
import { sizeOf, tensor, type Tensor } from '../../../src/tensor/tensor.ts';

/** Deterministic noise in [−1, 1), so that a failure can be run again. */
export function noise(shape: readonly number[], seed: number): Tensor {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const next = (): number => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  return tensor(
    'f32',
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => next() / 2 ** 31 - 1),
  );
}

const special = [Infinity, -Infinity, NaN, -0, 0, 1e-42, -1e-40, 3e38, -3e38, 1.17549435e-38];

/** Noise with some of the numbers that kernels get wrong. */
export function awkward(shape: readonly number[], seed: number): Tensor {
  const x = noise(shape, seed);
  for (let i = seed % 7; i < x.data.length; i += 5 + (seed % 11)) x.data[i] = special[(i + seed) % special.length]!;
  return x;
}

/** Zeros of both signs and subnormals, but all finite: what does not drown everything else in NaN. */
export function finite(shape: readonly number[], seed: number): Tensor {
  const x = awkward(shape, seed);
  for (let i = 0; i < x.data.length; i++) if (!(Math.abs(x.data[i]!) < 1e30)) x.data[i] = -0;
  return x;
}

export const tensorOf = (shape: readonly number[], seed: number): Tensor =>
  [noise, finite, awkward][seed % 3]!(shape, seed);

/** Equal bits; a NaN equals any NaN. */
export function expectSameBits(actual: Tensors, expected: Tensors): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, x] of Object.entries(expected)) {
    expect(actual[name]!.shape).toEqual(x.shape);
    const { data } = actual[name]!;
    expect(data.length).toBe(x.data.length);
    let different = 0;
    let first = -1;
    for (let i = 0; i < data.length; i++) {
      if (Object.is(data[i], x.data[i])) continue;
      if (different++ === 0) first = i;
    }
    if (different > 0)
      expect.fail(
        `${name} [${x.shape.join()}]: ${different} of ${data.length} differ, first at ${first}: ${data[first]} instead of ${x.data[first]}`,
      );
  }
}

/** Runs the program with the backend and with the plain loops, and compares. */
export function expectAsReference(backend: Backend, program: Program, inputs: Tensors): void {
  expectSameBits(backend.run(program, inputs), program(referenceKernels, inputs));
}

export const small = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
export const seeds = fc.integer({ min: 0, max: 1_000_000 });
