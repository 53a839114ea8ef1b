/** CFG-Zero* (Fan et al. 2025, arXiv 2503.18886). */
import { dot, scale, type PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, whole, type Checks } from '../tensor/checks.ts';
import { zeros } from '../tensor/tensor.ts';
import { conditional, predictEach, predictOne, unconditional, type Guidance } from './guidance.ts';
import { aScale, extrapolate, isAll } from './scales.ts';

/** How strongly CFG-Zero* pushes, and from when on. */
export interface CfgZeroStarOptions {
  /** g; 1 is unguided. */
  readonly guidanceScale: PerSample;
  /**
   * How many steps there are at the beginning in which the prediction is 0. Meant for flow models, whose prediction is
   * a velocity.
   */
  readonly zeroInitSteps: number;
}

const checks: Checks<CfgZeroStarOptions> = { guidanceScale: aScale, zeroInitSteps: whole(0) };

/**
 * α = ⟨ε(c), ε(∅)⟩ / (‖ε(∅)‖² + 1e-8) per sample; ε̃ = α ε(∅) + g (ε(c) − α ε(∅)): of all multiples of ε(∅), the
 * nearest to ε(c) takes its place.
 * @throws InputError when an option is unknown, g not finite, or the number of steps no whole number of at least 0
 */
export function cfgZeroStar(options: CfgZeroStarOptions): Guidance {
  checkOptions('cfgZeroStar', options, checks);
  const { guidanceScale, zeroInitSteps } = options;
  return {
    name: 'cfg-zero-star',
    guide(step) {
      if (step.index < zeroInitSteps) return zeros(step.sample.dtype, step.sample.shape);
      if (isAll(guidanceScale, 1)) return predictOne(step, conditional);
      const [given, nothing] = predictEach(step, [conditional, unconditional]);
      const squares = dot(nothing, nothing);
      const nearest = scale(
        nothing,
        dot(given, nothing).map((product, b) => product / (squares[b] + 1e-8)),
      );
      return extrapolate(nearest, given, guidanceScale);
    },
  };
}
