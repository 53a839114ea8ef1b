/** The equality of passes: what decides whether a pass must be run, or its prediction is known already. */
import type { Pass } from './guidance.ts';

/**
 * Whether two passes predict the same at a step: they have the same condition, and go away from the same one, the same
 * model, the same picture (the very tensor, not an equal one), and in the same layers the same mixers. Mixers are the
 * same when their keys are; the order of the layers does not matter. What the passes show (`taps`) does not change what
 * they predict.
 */
export function samePass(a: Pass, b: Pass): boolean {
  return (
    a.condition === b.condition &&
    (a.model ?? 'main') === (b.model ?? 'main') &&
    a.against === b.against &&
    a.sample === b.sample &&
    a.perturbation.size === b.perturbation.size &&
    [...a.perturbation].every(([layer, mixer]) => b.perturbation.get(layer)?.key === mixer.key)
  );
}
