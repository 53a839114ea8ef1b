/** Running programs on kernels. What a backend is given, and what a program gives, is checked here, once a run. */
import { aFunction, checkTensor, mustBe, type Check } from '../tensor/checks.ts';
import type { Backend, Kernels, Program, Tensors } from './kernels.ts';
import { hasShape } from './operations/checks.ts';

/** @throws InputError unless the program is one, and each of its inputs passes the check: is a tensor, with numbers */
export function checkProgram(program: Program, inputs: Tensors, checkInput: Check = checkTensor): void {
  checkIsProgram('the program', program);
  checkNamed('what a program is run with', inputs);
  for (const [name, input] of Object.entries(inputs)) checkInput(`the input "${name}" of the program`, input);
}

/**
 * What a program gives on these kernels, with whatever stands for tensors there.
 * @throws InputError unless it gives tensors by name
 */
export function resultsOf(program: Program, kernels: Kernels, inputs: Tensors): Tensors {
  const results = program(kernels, inputs);
  checkNamed('what the program gives', results);
  for (const [name, result] of Object.entries(results)) checkShaped(`the result "${name}" of the program`, result);
  return results;
}

/** The `run` of a backend that calls kernels one after another. */
export function runOn(kernels: Kernels): Backend['run'] {
  return (program, inputs) => {
    checkProgram(program, inputs);
    return resultsOf(program, kernels, inputs);
  };
}

const checkIsProgram = aFunction('a function of kernels and tensors');

const checkNamed = mustBe(
  'an object of tensors by name',
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map),
);

/** What has a shape, be it without numbers, as the tensors of a trace. */
export const checkShaped: Check = mustBe('a tensor', hasShape);
