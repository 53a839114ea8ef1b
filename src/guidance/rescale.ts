/** Guidance rescale (Lin et al. 2023, arXiv 2305.08891, section 3.4): a cure for the oversaturation of high scales. */
import { add, scale, std, type PerSample } from '../tensor/arithmetic.ts';
import { aGuidance, conditional, predictOne, type Guidance } from './guidance.ts';
import { checkScale, isAll, keep, scalesFor } from './scales.ts';

/**
 * ε̃ ← φ · ε̃ · std(ε(c)) / std(ε̃) + (1 − φ) · ε̃, the (unbiased) standard deviations taken per sample.
 * φ = 0 leaves the guidance as it is; so does a prediction without any variation.
 * @param phi φ, from 0 to 1
 * @throws InputError when there is no guidance, or φ is not in [0, 1]
 */
export function rescaled(guidance: Guidance, phi: PerSample): Guidance {
  aGuidance('the guidance', guidance);
  checkScale('guidanceRescale', phi, 0, 1);
  if (isAll(phi, 0)) return guidance;
  return {
    ...guidance,
    name: `${guidance.name}, rescaled`,
    guide(step) {
      const guided = guidance.guide(step);
      const shares = scalesFor(phi, guided);
      const wanted = std(predictOne(step, conditional));
      const found = std(guided);
      const matched = scale(
        guided,
        wanted.map((deviation, b) => deviation / found[b]),
      );
      const mixed = add(
        scale(matched, shares),
        scale(
          guided,
          shares.map((share) => 1 - share),
        ),
      );
      return keep(guided, mixed, (b) => shares[b] === 0 || found[b] === 0 || found[b] === wanted[b]);
    },
  };
}
