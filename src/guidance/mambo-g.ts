/** MAMBO-G: Magnitude-Aware Mitigation for Boosted Guidance (Zhu et al. 2025, arXiv 2508.03442). */
import { norm, subtract, type PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, finite, type Checks } from '../tensor/checks.ts';
import { exp } from '../tensor/math/index.ts';
import { conditional, predictEach, predictOne, unconditional, type Guidance } from './guidance.ts';
import { aScale, extrapolate, isAll, scalesFor } from './scales.ts';

/** How strongly MAMBO-G pushes, and how fast that falls. */
export interface MamboGOptions {
  /** g; 1 is unguided. */
  readonly guidanceScale: PerSample;
  /** α ≥ 0: how fast the scale falls with the size of the update; 0 is plain CFG. */
  readonly alpha: number;
}

const checks: Checks<MamboGOptions> = { guidanceScale: aScale, alpha: finite(0) };

/**
 * d = ε(c) − ε(∅); g′ = 1 + (g − 1) e^(−α ‖d‖/‖ε(∅)‖) per sample; ε̃ = ε(∅) + g′ d: where the two predictions differ
 * much, the scale is mild. Made for the velocities of flow models, which differ most in the first steps; predictions of
 * ε differ least there.
 * @throws InputError when an option is unknown, g or α not finite, or α negative
 */
export function mamboG(options: MamboGOptions): Guidance {
  checkOptions('mamboG', options, checks);
  const { guidanceScale, alpha } = options;
  return {
    name: 'mambo-g',
    guide(step) {
      if (isAll(guidanceScale, 1)) return predictOne(step, conditional);
      const [given, nothing] = predictEach(step, [conditional, unconditional]);
      const difference = norm(subtract(given, nothing));
      const size = norm(nothing);
      const damped = scalesFor(guidanceScale, given).map((g, b) => {
        if (g === 1 || alpha === 0 || difference[b] === 0) return g;
        return 1 + (g - 1) * exp(-alpha * (difference[b] / size[b]));
      });
      return extrapolate(nothing, given, damped);
    },
  };
}
