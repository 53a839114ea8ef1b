/** Classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598). */
import { add, scale, subtract } from '../tensor/arithmetic.ts';
import { conditional, predictOne, unconditional, type Guidance } from './guidance.ts';

/**
 * ε̃ = ε(∅) + g (ε(c) − ε(∅)), in the convention of diffusers: g = 1 is unguided. (The paper's w is g − 1.)
 */
export function cfg(guidanceScale: number): Guidance {
  return {
    name: 'cfg',
    guide(step) {
      if (guidanceScale === 1) return predictOne(step, conditional);
      const [given, nothing] = step.predict([conditional, unconditional]) as [typeof step.sample, typeof step.sample];
      return add(nothing, scale(subtract(given, nothing), guidanceScale));
    },
  };
}
