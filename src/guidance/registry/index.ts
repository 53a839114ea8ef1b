/** All guidances by name, with what a command line needs to offer and explain them. */
import type { Guidance } from '../guidance.ts';
import type { Parameter, ParameterValues } from '../parameters.ts';
import { classifierFreeEntries } from './classifier-free.ts';
import { classifierEntries } from './classifier.ts';
import { commonParameters, createGuidanceOf, unknownGuidance } from './create.ts';
import { crossEntries } from './cross.ts';
import { degradedEntries } from './degraded.ts';
import type { GuidanceContext, GuidanceEntry } from './entry.ts';
import { noneEntries } from './none.ts';
import { perturbedEntries } from './perturbed.ts';
import { velocityEntries } from './velocity.ts';

export { commonParameters } from './create.ts';
export type { ClassifierKind, GuidanceContext, GuidanceEntry, Values } from './entry.ts';

/** Every guidance by its name, in the order of help. */
export const guidances: Readonly<Record<string, GuidanceEntry>> = {
  ...noneEntries,
  ...perturbedEntries,
  ...classifierEntries,
  ...classifierFreeEntries,
  ...degradedEntries,
  ...velocityEntries,
  ...crossEntries,
};

/** The names of all guidances, in the order of help. */
export const guidanceNames: readonly string[] = Object.keys(guidances);

/**
 * All parameters that a guidance takes: its own, and the common ones.
 * @throws InputError when there is no such guidance
 */
export function parametersOf(name: string): readonly Parameter[] {
  return [...entryOf(name).parameters, ...commonParameters];
}

/**
 * The guidance called `name`. Parameters that are not given have their defaults. One that stops at 0 never acts, as one
 * whose scale is neutral.
 * @throws InputError for an unknown name or parameter, a value out of range, a context that does not know the model, a
 *   selector without a layer, an interval with nothing in it, or a model that lacks what the guidance needs
 */
export function createGuidance(name: string, given: ParameterValues, context: GuidanceContext): Guidance {
  return createGuidanceOf(name, entryOf(name), given, context);
}

function entryOf(name: string): GuidanceEntry {
  const entry = Object.hasOwn(guidances, name) ? guidances[name] : undefined;
  if (!entry) throw unknownGuidance(name, guidanceNames);
  return entry;
}
