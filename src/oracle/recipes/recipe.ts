/** How a case of one kind is computed. */
import { InputError } from '../../tensor/errors.ts';
import { at } from '../../tensor/at.ts';
import type { DType, Tensor } from '../../tensor/tensor.ts';
import type { Model } from '../../models/model.ts';
import { traceModel, type Watcher } from '../../models/passes.ts';
import { unperturbed, type Perturbation } from '../../models/stage.ts';
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
  /** Whether each pass runs from its start, as those of ports do; else passes share what comes before they part. */
  readonly apart: boolean;
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

/** The predictions of some passes of a model. */
export function tracedPasses<Input, State>(
  { implementation: { kernels }, apart }: Means,
  model: Model<unknown, Input, State>,
  given: Input,
  passes: readonly Perturbation[],
  watcherOfPass: (pass: number) => Watcher,
): readonly Tensor[] {
  if (!apart) return traceModel(model, kernels, given, passes, watcherOfPass);
  return passes.flatMap((perturbation, i) => traceModel(model, kernels, given, [perturbation], () => watcherOfPass(i)));
}

/** What a model gives, run once as it is. */
export function tracedOnce<Input, State>(
  { implementation: { kernels } }: Means,
  model: Model<unknown, Input, State>,
  given: Input,
  watcher: Watcher,
): Tensor {
  return at(
    traceModel(model, kernels, given, [unperturbed], () => watcher),
    0,
  );
}

/** A watcher that shows everything under a prefix. */
export function watcherOf({ show, watches }: Means, prefix: string): Watcher {
  return { watches: (path) => watches(prefix + path), tap: (path, value) => show(prefix + path, value) };
}
