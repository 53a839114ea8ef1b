/** AutoGuidance: guiding a model with a bad version of itself (Karras et al. 2024, arXiv 2406.02507). */
import type { PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, optional, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { aPass, conditional, predictEach, predictOne, weakModel, type Guidance, type Pass } from './guidance.ts';
import { samePass } from './same-pass.ts';
import { aScale, extrapolate, isAll } from './scales.ts';

/** How strongly AutoGuidance pushes, and away from what. */
export interface AutoGuidanceOptions {
  /** g; 1 is unguided. */
  readonly guidanceScale: PerSample;
  /** The bad version: a second model (the default), or a pass of the model with layers skipped. */
  readonly weak?: Pass;
}

const checks: Checks<AutoGuidanceOptions> = { guidanceScale: aScale, weak: optional(aPass) };

/**
 * ε̃ = ε_weak(c) + g (ε(c) − ε_weak(c)).
 * @throws InputError when an option is unknown, g not finite, `weak` no pass (a second model is given to the denoiser),
 *   or g not 1 although the weak pass is the plain one
 */
export function autoGuidance(options: AutoGuidanceOptions): Guidance {
  checkOptions('autoGuidance', options, checks);
  const { guidanceScale, weak = weakModel } = options;
  if (samePass(weak, conditional) && !isAll(guidanceScale, 1)) {
    throw new InputError(
      'the weak pass of AutoGuidance is the plain one, so guidanceScale would have no effect; give a second model or ' +
        'a pass that leaves layers out, or set it to 1',
    );
  }
  return {
    name: 'auto-guidance',
    guide(step) {
      if (isAll(guidanceScale, 1)) return predictOne(step, conditional);
      const [good, bad] = predictEach(step, [conditional, weak]);
      return extrapolate(bad, good, guidanceScale);
    },
  };
}
