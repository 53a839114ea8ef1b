/**
 * What every layer is given besides its input: the kernels to compute with, its weights by name, and the tap through
 * which anyone may look at what it computes. Layers are functions of (context, module path, input): they hold no state.
 */
import { aFunction, checkParts, mustBe, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { allKernels } from '../kernels/operations/index.ts';

/** What a layer is given besides its module path and its input. */
export interface Context {
  readonly kernels: Kernels;
  /** By the names of PyTorch's parameters, as `conv_in.weight`; of the dtype of the input. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /**
   * Shows `value` under the path of the module that made it. The layer goes on with what is returned: `value`, or what
   * the watcher puts in its place, of the same shape.
   */
  tap(path: string, value: Tensor): Tensor;
  /** Whether anyone looks at `path`: asked before something is computed only to be seen. */
  watches(path: string): boolean;
}

const checks: Checks<Context> = {
  kernels: allKernels,
  weights: mustBe('a Map of tensors by name', (value) => value instanceof Map),
  tap: aFunction('a function that is shown a value, and gives one'),
  watches: aFunction('a function of a path'),
};

/**
 * The weight called `name`.
 * @throws InputError when the model has none, or the context is none
 */
export function weight(context: Context, name: string): Tensor {
  checkParts('a layer', context, checks);
  return weightIn(context.weights, name);
}

/**
 * The same of weights alone.
 * @throws InputError when the model has none
 */
export function weightIn(weights: Context['weights'], name: string): Tensor {
  const found = weights.get(name);
  if (!found) throw new InputError(`the model has no weight "${name}"`);
  return found;
}

/**
 * The weight of the module at a path, and its bias where it has one.
 * @throws InputError as `weight`
 */
export function weightAndBias(context: Context, path: string): readonly [Tensor, Tensor | undefined] {
  return [weight(context, `${path}.weight`), context.weights.get(`${path}.bias`)];
}
