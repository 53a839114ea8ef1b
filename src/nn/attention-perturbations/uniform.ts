import type { MixingMixer } from '../attention.ts';
import { constantOf, mixTokens, tokensIn } from './constants.ts';

/** Every token attends to all alike: A = 1/N, so each becomes the mean of V. The opposite of the identity. */
export function uniform(): MixingMixer {
  const averaging = constantOf(([n]: readonly [N: number, M: number]) => new Float64Array(n * n).fill(1 / n));
  return {
    key: 'uniform',
    mix: ({ kernels, value }) => mixTokens(kernels, value, averaging([tokensIn(value), tokensIn(value)], value.dtype)),
  };
}
