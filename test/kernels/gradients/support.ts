/** Gradients by what they mean: how much a weighted sum of results moves when inputs are moved. */
import { gradient, gradientName } from '../../../src/kernels/gradients/gradient.ts';
import { sumOverAll } from '../../../src/kernels/gradients/sums.ts';
import type { Backend, Kernels, Program, Tensors } from '../../../src/kernels/kernels.ts';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { allocate, tensor, type DType, type Tensor } from '../../../src/tensor/tensor.ts';

/** A function of tensors. */
export type Body = (kernels: Kernels, inputs: Tensors) => Tensor;

export const reference = referenceBackend();

/** Jᵀw: what each of the inputs does to Σ w · body(inputs). */
export function pulledBack(body: Body, inputs: Tensors, w: Tensor, backend: Backend = reference): Tensors {
  const program: Program = (kernels, { ['what comes back']: back, ...given }) => ({
    loss: sumOverAll(kernels, kernels.multiply(body(kernels, given), back)),
  });
  const names = Object.keys(inputs);
  const results = backend.run(gradient(program, 'loss', names), { ...inputs, 'what comes back': w });
  return Object.fromEntries(names.map((name) => [name, results[gradientName(name)]]));
}

/** What the function gives. */
export function resultOf(body: Body, inputs: Tensors, backend: Backend = reference): Tensor {
  return backend.run((kernels, given) => ({ out: body(kernels, given) }), inputs).out;
}

/** ⟨a, b⟩, and the sum of the sizes of its terms. */
export function inner(a: Tensor, b: Tensor): { readonly value: number; readonly size: number } {
  let [value, size] = [0, 0];
  for (let i = 0; i < a.data.length; i++) {
    value += a.data[i] * b.data[i];
    size += Math.abs(a.data[i] * b.data[i]);
  }
  return { value, size };
}

/** x + h · v. */
export function movedBy(x: Tensor, v: Tensor, h: number): Tensor {
  return { ...x, data: x.data.map((value, i) => value + h * v.data[i]) };
}

/** Jv by a central difference: how the result moves when the inputs move by v. f64. */
export function pushedForward(body: Body, inputs: Tensors, v: Tensors, h = 1e-5): Tensor {
  const at = (step: number): Tensor =>
    resultOf(body, Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, movedBy(x, v[name], step)])));
  const [after, before] = [at(h), at(-h)];
  return { ...after, data: after.data.map((value, i) => (value - before.data[i]) / (2 * h)) };
}

/** A tensor of numbers between −1 and 1 that look random, the same for the same seed. */
export function numbers(shape: readonly number[], seed: number, dtype: DType = 'f64'): Tensor {
  const data = allocate(
    dtype,
    shape.reduce((size, extent) => size * extent, 1),
  );
  let state = (seed * 2654435761) >>> 0;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = (state >>> 8) / 2 ** 23 - 1;
  }
  return tensor(dtype, shape, data);
}
