/**
 * What PAG, SEG, SLG and SoftPAG have in common: classifier-free guidance, and a step away from a perturbed pass.
 * They differ in the perturbation alone.
 */
import { at, lastOf } from '../tensor/at.ts';
import { subtract, type PerSample } from '../tensor/arithmetic.ts';
import { aFunction, checkOptions, text, type Checks } from '../tensor/checks.ts';
import { aPass, conditional, unconditional, type Guidance, type GuidanceStep, type Pass } from './guidance.ts';
import { samePass } from './same-pass.ts';
import { aScale, extrapolate, isAll, push } from './scales.ts';

/** In what two guidances of this kind differ. */
export interface AwayOptions {
  /** What the guidance is called. */
  readonly name: string;
  /** g of classifier-free guidance; 1 is without. */
  readonly guidanceScale: PerSample;
  /** s at a step; 0 is without. */
  scaleAt(step: GuidanceStep): PerSample;
  /** The pass of ε̂(c). If it is the plain one, nothing is perturbed, and s has no effect. */
  readonly perturbed: Pass;
}

const checks: Checks<AwayOptions> = {
  name: text,
  guidanceScale: aScale,
  scaleAt: aFunction('a function of a step'),
  perturbed: aPass,
};

/**
 * ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)); with g = 1: ε(c) + s (ε(c) − ε̂(c)). A term that is 0 costs no pass.
 * @throws InputError when an option is unknown, or g not finite; at a step, when there are scales for each sample, but
 *   not as many as samples
 */
export function awayFrom(options: AwayOptions): Guidance {
  checkOptions('awayFrom', options, checks);
  const { name, guidanceScale, scaleAt, perturbed } = options;
  const changes = !samePass(perturbed, conditional);
  return {
    name,
    guide(step) {
      const s = changes ? scaleAt(step) : 0;
      const classifierFree = isAll(guidanceScale, 1) ? [] : [unconditional];
      const away = isAll(s, 0) ? [] : [perturbed];
      const predictions = step.predict([conditional, ...classifierFree, ...away]);
      const given = at(predictions, 0);
      const guided = classifierFree.length === 0 ? given : extrapolate(at(predictions, 1), given, guidanceScale);
      return away.length === 0 ? guided : push(guided, s, subtract(given, lastOf(predictions)));
    },
  };
}
