/** One operation on its probes. The output of a probe is the tap of its name. */
import { InputError } from '../../tensor/errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import type { OperationSubject, Probe } from '../case.ts';
import type { Means, Recipe } from './recipe.ts';

/**
 * Each probe is a tap.
 * @throws InputError (the recipe) when there is no such operation
 */
export function operationRecipe({ operation, probes }: OperationSubject): Recipe {
  return (means) => {
    const { kernels } = means.implementation;
    if (!Object.hasOwn(kernels, operation))
      throw new InputError(`"${operation}" is no operation; there are ${Object.keys(kernels).join(', ')}`);
    for (const probe of probes) {
      if (!means.watches(probe.name)) continue;
      means.show(probe.name, call(kernels, operation, tensorsOf(means, operation, probe), probe));
    }
  };
}

/** Their third tensor is a bias, or none. */
const takesBias = ['conv2d', 'linear'];

/** What an operation is given in a probe; undefined stands for a bias that there is none of. */
export function tensorsOf(
  { inputs }: Pick<Means, 'inputs'>,
  operation: string,
  { name, tensors }: Probe,
): readonly (Tensor | undefined)[] {
  const count = Math.max(tensors, takesBias.includes(operation) ? 3 : 0);
  return Array.from({ length: count }, (_, i) => inputs.get(`${name}/${i}`));
}

/** A kernel by name. Its arguments come from a file that has been checked for what the operation takes. */
export function call(
  kernels: Kernels,
  operation: string,
  tensors: readonly (Tensor | undefined)[],
  { arguments: rest }: Probe,
): Tensor {
  const kernel = kernels[operation as keyof Kernels] as (...given: readonly unknown[]) => Tensor;
  if (operation === 'concatBatch') return kernel(tensors);
  if (operation === 'groupNorm') return kernel(tensors[0], rest[0], ...tensors.slice(1), rest[1]);
  if (operation !== 'conv2d') return kernel(...tensors, ...rest);
  const [stride, [top, bottom, left, right]] = rest as [number, readonly number[]];
  return kernel(...tensors, stride, { top, bottom, left, right });
}
