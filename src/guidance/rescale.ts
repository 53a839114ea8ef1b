/** Guidance rescale (Lin et al. 2023, arXiv 2305.08891, section 3.4): a cure for the oversaturation of high scales. */
import { add, scale, scalePerSample, standardDeviation } from '../tensor/arithmetic.ts';
import { conditional, predictOne, type Guidance } from './guidance.ts';

/**
 * ε̃ ← φ · ε̃ · std(ε(c)) / std(ε̃) + (1 − φ) · ε̃, the (unbiased) standard deviations taken per sample.
 * φ = 0 leaves the guidance as it is.
 */
export function rescaled(guidance: Guidance, phi: number): Guidance {
  if (phi === 0) return guidance;
  return {
    name: `${guidance.name}, rescaled`,
    guide(step) {
      const guided = guidance.guide(step);
      const wanted = standardDeviation(predictOne(step, conditional));
      const found = standardDeviation(guided);
      const matched = scalePerSample(guided, wanted.map((deviation, b) => deviation / found[b]!));
      return add(scale(matched, phi), scale(guided, 1 - phi));
    },
  };
}
