/** Guidances that are loaded when a run asks for one: what is bundled so begins without any. */
import { InputError } from '../../tensor/errors.ts';
import { shown } from '../../tensor/shown.ts';
import { unknownGuidance } from './create.ts';
import type { GuidanceEntry } from './entry.ts';

/** The groups of the registry, in its order. */
const groups: readonly (() => Promise<Readonly<Record<string, GuidanceEntry>>>)[] = [
  async () => (await import('./none.ts')).noneEntries,
  async () => (await import('./perturbed.ts')).perturbedEntries,
  async () => (await import('./classifier.ts')).classifierEntries,
  async () => (await import('./classifier-free.ts')).classifierFreeEntries,
  async () => (await import('./degraded.ts')).degradedEntries,
  async () => (await import('./velocity.ts')).velocityEntries,
  async () => (await import('./cross.ts')).crossEntries,
];

/**
 * The entry of a guidance, for `createGuidanceOf`. Groups are loaded up to the one that has it.
 * @throws InputError for an unknown name, with those that are known
 */
export async function loadGuidance(name: string): Promise<GuidanceEntry> {
  if (typeof name !== 'string') throw new InputError(`the guidance is ${shown(name)}; it must be a name, as "pag"`);
  const known: string[] = [];
  for (const load of groups) {
    const group = await load();
    const entry = Object.hasOwn(group, name) ? group[name] : undefined;
    if (entry) return entry;
    known.push(...Object.keys(group));
  }
  throw unknownGuidance(name, known);
}
