/** How a case of one kind is computed. */
import { InputError } from '../../tensor/errors.ts';
import type { DType, Tensor } from '../../tensor/tensor.ts';
import type { Weights } from '../case.ts';
import type { Implementation } from '../implementation.ts';
import type { Show } from '../trace.ts';

export interface Kitchen {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly weights: Weights;
  readonly dtype: DType;
  readonly implementation: Implementation;
  readonly show: Show;
  /** Whether anybody looks at a value: asked before something is computed only to be seen. */
  readonly watches: (name: string) => boolean;
}

export type Recipe = (kitchen: Kitchen) => void;

/** Throws an InputError when the case lacks the input. */
export function input({ inputs }: Kitchen, name: string): Tensor {
  const found = inputs.get(name);
  if (!found)
    throw new InputError(`the case has no input "${name}"; it has ${[...inputs.keys()].join(', ') || 'none'}`);
  return found;
}
