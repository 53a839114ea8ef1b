import type { MixingMixer } from '../attention.ts';
import { constantOf, mixTokens } from './constants.ts';

/** Every token attends to all alike: A = 1/N, so each becomes the mean of V. The opposite of the identity. */
export function uniform(): MixingMixer {
  const averaging = constantOf(([n]) => new Float64Array(n * n).fill(1 / n));
  return {
    key: 'uniform',
    mix: ({ kernels, value }) => mixTokens(kernels, value, averaging([value.shape[1], value.shape[1]], value.dtype)),
  };
}
