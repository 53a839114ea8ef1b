/** Frequency-Decoupled Guidance (Sadat et al. 2025, arXiv 2506.19713). */
import { at } from '../tensor/at.ts';
import type { PerSample } from '../tensor/arithmetic.ts';
import { mustBe } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { conditional, predictEach, predictOne, unconditional, type Guidance } from './guidance.ts';
import { fromPyramid, laplacianPyramid } from './pyramid.ts';
import { checkScale, extrapolate, isAll, keep, scalesFor } from './scales.ts';

const aList = mustBe('a list: a scale for each frequency level, the finest first, as [10, 5]', Array.isArray);

/**
 * Classifier-free guidance on each level of a Laplacian pyramid of the predictions, with a scale of its own:
 * ε̃ = pyramid⁻¹( u_i + g_i (c_i − u_i) ), u and c being the pyramids of ε(∅) and ε(c).
 * @param guidanceScales from the finest details to the coarse rest, one for each level; 1 leaves a level of ε(c) as it
 *   is (diffusers puts the level of another turn of its loop there)
 * @throws InputError when there is no scale, or one is not finite
 */
export function fdg(guidanceScales: readonly PerSample[]): Guidance {
  aList('guidanceScales', guidanceScales);
  if (guidanceScales.length === 0)
    throw new InputError('guidanceScales is empty; give one for each frequency level, the finest first');
  for (const scales of guidanceScales) checkScale('guidanceScales', scales);
  return {
    name: 'fdg',
    guide(step) {
      if (guidanceScales.every((scales) => isAll(scales, 1))) return predictOne(step, conditional);
      const [given, nothing] = predictEach(step, [conditional, unconditional]);
      const givenLevels = laplacianPyramid(given, guidanceScales.length);
      const nothingLevels = laplacianPyramid(nothing, guidanceScales.length);
      const guided = fromPyramid(
        guidanceScales.map((scales, level) => extrapolate(at(nothingLevels, level), at(givenLevels, level), scales)),
      );
      // A pyramid gives its picture back up to rounding; a sample that is not guided keeps its bits.
      return keep(given, guided, (b) => guidanceScales.every((scales) => scalesFor(scales, given)[b] === 1));
    },
  };
}
