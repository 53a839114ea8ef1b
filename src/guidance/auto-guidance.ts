/** AutoGuidance: guiding a model with a bad version of itself (Karras et al. 2024, arXiv 2406.02507). */
import type { PerSample } from '../tensor/arithmetic.ts';
import { conditional, predictOne, weakModel, type Guidance, type Pass } from './guidance.ts';
import { samePass } from './same-pass.ts';
import { checkScale, extrapolate, isAll } from './scales.ts';

export interface AutoGuidanceOptions {
  /** g; 1 is unguided. */
  readonly guidanceScale: PerSample;
  /** The bad version: a second model, or a pass of the model with layers skipped. */
  readonly weak?: Pass;
}

/** ε̃ = ε_weak(c) + g (ε(c) − ε_weak(c)). Throws an InputError when g is not finite. */
export function autoGuidance({ guidanceScale, weak = weakModel }: AutoGuidanceOptions): Guidance {
  checkScale('guidanceScale', guidanceScale);
  return {
    name: 'auto-guidance',
    guide(step) {
      if (isAll(guidanceScale, 1) || samePass(weak, conditional)) return predictOne(step, conditional);
      const [good, bad] = step.predict([conditional, weak]);
      return extrapolate(bad, good, guidanceScale);
    },
  };
}
