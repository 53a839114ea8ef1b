import { checkOptions, finite, whole, type Checks } from '../../tensor/checks.ts';
import { manualSeed } from '../../tensor/random.ts';
import type { AttentionMixer } from '../attention.ts';
import { constantOf, forEverySample } from './constants.ts';

/** How strong the noise is, and which. */
export interface AdditiveNoiseOptions {
  /** The standard deviation of the noise, in units of the mean entry of a map, 1/N; 0 is softmax attention. */
  readonly strength: number;
  /** As of `manualSeed`. */
  readonly seed: number;
}

const checks: Checks<AdditiveNoiseOptions> = { strength: finite(0), seed: whole(0) };

/**
 * Normal noise is added to the attention map (PAG paper, ablation): A + strength/N · n. The strength is in units of the
 * mean entry of a map, 1/N, so that it means the same at every resolution. The seed decides the noise: one pattern for
 * all samples and steps, so that a run can be repeated and a sample does not depend on its batch.
 * @throws InputError when an option is unknown, the strength is negative or not finite, or the seed no whole number of
 *   at least 0
 */
export function additiveNoise(options: AdditiveNoiseOptions): AttentionMixer {
  checkOptions('additiveNoise', options, checks);
  const { strength, seed } = options;
  const noise = constantOf(
    forEverySample((shape) => {
      const [, , keys] = shape;
      const size = strength / keys;
      return Float64Array.from(manualSeed(seed).randn(shape).data, (draw) => size * draw);
    }),
  );
  return {
    key: `additive-noise(${strength},${seed})`,
    mix({ kernels, query, key, value, heads, scale }) {
      const map = kernels.attentionMap(query(), key(), heads, scale);
      return kernels.applyAttentionMap(kernels.add(map, noise(map.shape, value.dtype)), value);
    },
  };
}
