/**
 * Masks on the attention map A = softmax(Q Kᵀ/√d): entries are set to 0 and the rest stays as it is (PAG paper,
 * ablation).
 */
import { checkOptions, finite, whole, type Checks } from '../../tensor/checks.ts';
import { manualSeed } from '../../tensor/random.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import type { AttentionMixer } from '../attention.ts';
import { constantOf, forEverySample, type MapsShape } from './constants.ts';

/**
 * All but the diagonal of A is set to 0: A ⊙ I. The rows no longer sum to 1. (Masked before the softmax, the map would
 * be the identity.)
 */
export function offDiagonalMask(): AttentionMixer {
  return masked('off-diagonal-mask', ([, n, m]) => {
    const mask = new Float64Array(n * m);
    for (let i = 0; i < n; i++) mask[i * m + i] = 1;
    return mask;
  });
}

/** How much a random mask hides, and what. */
export interface RandomMaskOptions {
  /** From 0, which is softmax attention, to 1, which leaves nothing. */
  readonly probability: number;
  /** As of `manualSeed`. */
  readonly seed: number;
}

const checks: Checks<RandomMaskOptions> = { probability: finite(0, 1), seed: whole(0) };

/**
 * Each entry of A is set to 0 with `probability`, independently for every head. The seed decides which: one pattern for
 * all samples and steps, so that a run can be repeated and a sample does not depend on its batch.
 * @throws InputError when an option is unknown, the probability is not in [0, 1], or the seed no whole number of at
 *   least 0
 */
export function randomMask(options: RandomMaskOptions): AttentionMixer {
  checkOptions('randomMask', options, checks);
  const { probability, seed } = options;
  return masked(`random-mask(${probability},${seed})`, (shape) =>
    Float64Array.from(manualSeed(seed).rand(shape).data, (draw) => (draw < probability ? 0 : 1)),
  );
}

/** @param maskOf the mask, [h,N,M] or, the same for all heads, [N,M] */
function masked(key: string, maskOf: (shape: MapsShape) => Float64Array): AttentionMixer {
  const mask = constantOf(forEverySample((shape) => forEveryHead(maskOf(shape), shape)));
  return {
    key,
    mix({ kernels, query, key: keys, value, heads, scale }) {
      const map = kernels.attentionMap(query(), keys(), heads, scale);
      return kernels.applyAttentionMap(kernels.multiply(map, mask(map.shape, value.dtype)), value);
    },
  };
}

function forEveryHead(mask: Float64Array, shape: MapsShape): Float64Array {
  const all = new Float64Array(sizeOf(shape));
  for (let start = 0; start < all.length; start += mask.length) all.set(mask, start);
  return all;
}
