/** What the tests of the fast kernels share: random tensors with awkward values, and comparison bit by bit. */
import fc from 'fast-check';
import { afterAll, expect } from 'vitest';
import type { Backend, Program, Tensors } from '../../../src/kernels/kernels.ts';
import { referenceKernels } from '../../../src/kernels/plain/index.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { sizeOf, tensor, type Tensor } from '../../../src/tensor/tensor.ts';
import { firstOf, repeated } from '../../thorough.ts';

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
  for (let i = seed % 7; i < x.data.length; i += 5 + (seed % 11)) x.data[i] = special[(i + seed) % special.length];
  return x;
}

/** Zeros of both signs and subnormals, but all finite: what does not drown everything else in NaN. */
export function finite(shape: readonly number[], seed: number): Tensor {
  const x = awkward(shape, seed);
  for (let i = 0; i < x.data.length; i++) if (!(Math.abs(x.data[i]) < 1e30)) x.data[i] = -0;
  return x;
}

export const tensorOf = (shape: readonly number[], seed: number): Tensor =>
  [noise, finite, awkward][seed % 3](shape, seed);

/** Equal bits; a NaN equals any NaN. */
export function expectSameBits(actual: Tensors, expected: Tensors): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, x] of Object.entries(expected)) {
    expect(actual[name].shape).toEqual(x.shape);
    const { data } = actual[name];
    expect(data.length).toBe(x.data.length);
    let different = 0;
    let first = -1;
    for (let i = 0; i < data.length; i++) {
      if (Object.is(data[i], x.data[i])) continue;
      if (different++ === 0) first = i;
    }
    if (different > 0)
      expect.fail(
        `${name} [${x.shape.join()}]: ${different} of ${data.length} differ, first at ${first}: ` +
          `${data[first]} instead of ${x.data[first]}`,
      );
  }
}

/** Runs the program with the backend and with the plain loops, and compares. */
export function expectAsReference(backend: Backend, program: Program, inputs: Tensors): void {
  expectSameBits(backend.run(program, inputs), program(referenceKernels, inputs));
}

/**
 * Backends with two threads, with wide tiles, and with one thread, which have the same bits whether the engine joins
 * their vectors or not. Returns what compares all of them with the plain loops; they are disposed of after the file's
 * tests.
 */
export function onAllBackends(): (program: Program, inputs: Tensors) => void {
  const backends = firstOf([{ threads: 2 }, { wide: true }, {}], 2).map((options) => simdBackend(options));
  afterAll(() => {
    for (const backend of backends) backend.dispose();
  });
  return (program, inputs) => {
    const expected = program(referenceKernels, inputs);
    for (const backend of backends) expectSameBits(backend.run(program, inputs), expected);
  };
}

/** The message of the InputError with which something is refused; fails where it is not. */
export function refusal(run: () => unknown): string {
  try {
    run();
  } catch (problem) {
    expect(problem).toBeInstanceOf(InputError);
    return (problem as InputError).message;
  }
  return expect.fail('nothing was refused');
}

/** How often a property of a kernel is tried: every time costs a module on each backend. */
export const runs = { numRuns: repeated(60, 10) };
/** From 1 on. */
export const small = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
export const seeds = fc.integer({ min: 0, max: 1_000_000 });

/** A border of one pixel. */
export const even = { top: 1, bottom: 1, left: 1, right: 1 };

/** A convolution of `channels` channels to as many, within a border of one pixel. */
export function convolution(channels: number, seed: number): Program {
  const weight = noise([channels, channels, 3, 3], seed);
  return (kernels, { x }) => ({ y: kernels.conv2d(x, weight, undefined, 1, even) });
}
