/**
 * SoftPAG (Ahn et al. 2025, arXiv 2506.10978): between softmax attention and the identity, for each head as far as one
 * likes.
 */
import { finite } from '../../tensor/checks.ts';
import { InputError } from '../../tensor/errors.ts';
import { softmaxAttention, type AttentionMixer } from '../attention.ts';
import { constantOf } from './constants.ts';
import { identity } from './identity.ts';

/**
 * A ← (1 − λ) A + λ I, so that A V becomes (1 − λ) A V + λ V. All λ = 0 is softmax attention itself, all λ = 1 the
 * identity.
 * @param lambda in [0, 1]: one for all heads, or one for each
 * @throws InputError when a λ is outside [0, 1], or there is none; when it runs, unless there are as many as the layer
 *   has heads
 */
export function softIdentity(lambda: number | readonly number[]): AttentionMixer {
  const forEachHead = Array.isArray(lambda);
  const lambdas: readonly number[] = forEachHead ? lambda : [lambda];
  if (lambdas.length === 0) throw new InputError('SoftPAG was given no λ; give one for each head, or one for all');
  for (const value of lambdas) aLambda('a λ of SoftPAG', value);
  if (lambdas.every((value) => value === 0)) return softmaxAttention;
  if (lambdas.every((value) => value === 1)) return identity;

  /** For each channel, the number of the head that it belongs to. */
  const spread = (numbers: readonly number[]) =>
    constantOf(([batch, tokens, channels]: TokensShape) =>
      Float64Array.from(
        { length: batch * tokens * channels },
        (_, i) => numbers[Math.floor(((i % channels) * numbers.length) / channels)],
      ),
    );
  const kept = spread(lambdas.map((value) => 1 - value));
  const replaced = spread(lambdas);
  return {
    key: `soft-identity(${forEachHead ? `[${lambdas.join(',')}]` : lambda})`,
    mix({ kernels, query, key, value, heads, scale }) {
      if (forEachHead && lambdas.length !== heads) {
        throw new InputError(
          `SoftPAG was given ${lambdas.length} λ, but the attention layer has ${heads} heads; give one for each, or ` +
            'one for all',
        );
      }
      const shape = value.shape as TokensShape;
      const attended = kernels.attention(query(), key(), value, heads, scale);
      const softened = kernels.multiply(attended, kept(shape, value.dtype));
      return kernels.add(softened, kernels.multiply(value, replaced(shape, value.dtype)));
    },
  };
}

const aLambda = finite(0, 1);

type TokensShape = readonly [B: number, N: number, D: number];
