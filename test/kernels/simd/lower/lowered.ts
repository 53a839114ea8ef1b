/** What a program becomes, without running it. */
import type { Program, Tensors } from '../../../../src/kernels/kernels.ts';
import { referenceKernels } from '../../../../src/kernels/plain/index.ts';
import { lower } from '../../../../src/kernels/simd/lower/lower.ts';
import { rules } from '../../../../src/kernels/simd/lower/rules.ts';
import type { Lowered } from '../../../../src/kernels/simd/lower/steps.ts';
import { heap } from '../../../../src/kernels/simd/memory/heap.ts';
import { weightStore } from '../../../../src/kernels/simd/memory/weights.ts';
import { traceProgram } from '../../../../src/kernels/trace.ts';
import { noise } from '../support.ts';

/** Inputs of these shapes by name. */
export function inputsOf(shapes: Readonly<Record<string, readonly number[]>>): Tensors {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, noise(shape, i + 1)]));
}

/** The program lowered for inputs of these shapes, on one thread. */
export function lowered(program: Program, shapes: Readonly<Record<string, readonly number[]>>): Lowered {
  const store = weightStore(heap(new WebAssembly.Memory({ initial: 2 })));
  const graph = traceProgram(program, inputsOf(shapes), referenceKernels);
  return lower(graph, rules, { threads: 1, panel: 8 }, store);
}

/** The names of its steps. */
export function stepsOf(program: Program, shapes: Readonly<Record<string, readonly number[]>>): readonly string[] {
  return lowered(program, shapes).steps.map(({ name }) => name);
}
