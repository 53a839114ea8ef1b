/** `model_index.json`: the parts of a pipeline, each as `[library, class]`, both null where it has none. */
import type { Json } from '../models/config-keys.ts';

/** The class of a part; undefined where the pipeline has none. */
export function classIn(index: Json | undefined, part: string): string | undefined {
  const entry = index?.[part];
  const named: unknown = Array.isArray(entry) ? entry[1] : undefined;
  return typeof named === 'string' ? named : undefined;
}
