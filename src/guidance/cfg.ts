/** Classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598). */
import type { PerSample } from '../tensor/arithmetic.ts';
import { conditional, predictEach, predictOne, unconditional, type Guidance } from './guidance.ts';
import { checkScale, extrapolate, isAll } from './scales.ts';

/**
 * ε̃ = ε(∅) + g (ε(c) − ε(∅)), in the convention of diffusers: g = 1 is unguided, g = 0 unconditional.
 * (The paper's w is g − 1.)
 * @throws InputError when g is not finite
 */
export function cfg(guidanceScale: PerSample): Guidance {
  checkScale('guidanceScale', guidanceScale);
  return {
    name: 'cfg',
    guide(step) {
      if (isAll(guidanceScale, 1)) return predictOne(step, conditional);
      if (isAll(guidanceScale, 0)) return predictOne(step, unconditional);
      const [given, nothing] = predictEach(step, [conditional, unconditional]);
      return extrapolate(nothing, given, guidanceScale);
    },
  };
}
