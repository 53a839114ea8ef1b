/** What a law is given: a backend, a dtype, and random inputs. */
import fc from 'fast-check';
import type { Backend, Kernels, Program, Tensors } from '../../../src/kernels/kernels.ts';
import type { DType, Tensor } from '../../../src/tensor/tensor.ts';

/** Whose kernels a law is about, and in which precision. */
export interface Subject {
  readonly dtype: DType;
  /**
   * One kernel, or a few, as a program: inputs are handed over, weights are what `body` closes over. The same body is
   * the same program, which is compiled once for inputs of the same shapes.
   */
  compute<In extends Tensors>(inputs: In, body: (kernels: Kernels, inputs: In) => Tensor): Tensor;
  /** Several results of one program. */
  computeAll<In extends Tensors>(inputs: In, body: (kernels: Kernels, inputs: In) => Tensors): Tensors;
  /** Fails if there is an input for which the law throws. */
  holds<T>(inputs: fc.Arbitrary<T>, law: (input: T) => void): void;
  /** The same of large inputs whose shapes do not vary, an eighth as many: thousands of numbers in each say as much. */
  holdsOfLarge<T>(inputs: fc.Arbitrary<T>, law: (input: T) => void): void;
}

/** @param numRuns how many random inputs each law is asked of */
export function subjectOf(backend: Backend, dtype: DType, numRuns: number): Subject {
  const programs = new WeakMap<object, Program>();
  return {
    dtype,
    compute(inputs, body) {
      const program = programs.get(body) ?? ((kernels, given) => ({ out: body(kernels, given as typeof inputs) }));
      programs.set(body, program);
      return backend.run(program, inputs).out;
    },
    computeAll: (inputs, body) => backend.run(body as Program, inputs),
    holds: (inputs, law) => fc.assert(fc.property(inputs, law), { numRuns }),
    holdsOfLarge: (inputs, law) => fc.assert(fc.property(inputs, law), { numRuns: Math.ceil(numRuns / 8) }),
  };
}

export const EPS = 1e-5;
export const NO_PADDING = { top: 0, bottom: 0, left: 0, right: 0 };
export const AROUND = { top: 1, bottom: 1, left: 1, right: 1 };
