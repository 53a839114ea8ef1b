/** How a case of one kind is computed. */
import { InputError } from '../../tensor/errors.ts';
import type { DType, Tensor } from '../../tensor/tensor.ts';
import type { Watcher } from '../../models/passes.ts';
import type { Weights } from '../case.ts';
import type { Implementation } from '../implementation.ts';

/** Takes note of a value and returns the one to go on with. */
export type Show = (name: string, value: Tensor) => Tensor;

/** What a recipe computes with. */
export interface Means {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly weights: Weights;
  readonly dtype: DType;
  readonly implementation: Implementation;
  readonly show: Show;
  /** Whether anybody looks at a value: asked before something is computed only to be seen. */
  readonly watches: (name: string) => boolean;
}

/** Computes a case, and shows all that has a name. */
export type Recipe = (means: Means) => void;

/** Throws an InputError when the case lacks the input. */
export function input({ inputs }: Means, name: string): Tensor {
  const found = inputs.get(name);
  if (!found)
    throw new InputError(`the case has no input "${name}"; it has ${[...inputs.keys()].join(', ') || 'none'}`);
  return found;
}

/** A watcher that shows everything under a prefix. */
export function watcherOf({ show, watches }: Means, prefix: string): Watcher {
  return { watches: (path) => watches(prefix + path), tap: (path, value) => show(prefix + path, value) };
}
