/** The perturbation of Token Perturbation Guidance (Rajabi et al. 2025, arXiv 2506.10036): tokens in a random order. */
import { whole } from '../../tensor/checks.ts';
import { manualSeed } from '../../tensor/random.ts';
import { softmaxAttention, type AttentionMixer } from '../attention.ts';
import { constantOf, mixTokens, tokensIn } from './constants.ts';

const aSeed = whole(0);

/**
 * x ← P x before the layer, P a permutation of the tokens: the layer, and all that comes behind it, sees every token at
 * another place; nothing brings them back. Attention itself stays as it is, and P keeps every norm. The order is
 * `torch.randperm` of the seed: one for all samples and steps, so that a run can be repeated and a sample does not
 * depend on its batch. (The authors' code draws a new one at each call.)
 * @param seed as of `manualSeed`
 * @throws InputError when the seed is no whole number of at least 0
 */
export function tokenShuffle(seed: number): AttentionMixer {
  aSeed('the seed', seed);
  const permutation = constantOf(
    ([tokens]: readonly [N: number]) => {
      const matrix = new Float64Array(tokens * tokens);
      for (const [target, source] of manualSeed(seed).randperm(tokens).entries()) matrix[target * tokens + source] = 1;
      return matrix;
    },
    ([tokens]) => [tokens, tokens],
  );
  return {
    ...softmaxAttention,
    key: `token-shuffle(${seed})`,
    before: (kernels, tokens) => mixTokens(kernels, tokens, permutation([tokensIn(tokens)], tokens.dtype)),
  };
}
