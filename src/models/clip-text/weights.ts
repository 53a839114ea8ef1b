/** The names of a text encoder's weights, which files have in two ways. */
import { InputError } from '../../tensor/errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Weights } from '../model.ts';

/** What CLIPTextModelWithProjection, and CLIPTextModel before transformers 5, put before the names. */
const prefix = 'text_model.';

/** A weight's name without `text_model.`. */
export function withoutPrefix(name: string): string {
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/**
 * The weights by their names without `text_model.`.
 * @throws InputError when a weight is there under both
 */
export function currentNames(weights: Weights, source = 'the weights'): Weights {
  const renamed = new Map<string, Tensor>();
  for (const [name, value] of weights) {
    const current = withoutPrefix(name);
    if (renamed.has(current)) {
      throw new InputError(`${source}: "${current}" is there twice, with "${prefix}" before its name and without`);
    }
    renamed.set(current, value);
  }
  return renamed;
}
