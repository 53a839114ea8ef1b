/** Where a scheduler's Brownian noise comes from: a seed of its own, as in diffusers, or the noise of the run. */
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { brownianNoise } from './brownian-tree.ts';

/** A seed as PyTorch takes it, from −2⁶³ to 2⁶⁴ − 1, or one for each sample. */
export type NoiseSeed = number | bigint | readonly (number | bigint)[];

/** The noise of a step from σ to a smaller one: standard normal, of the shape and precision of the sample. */
export type SeededNoise = (sample: Tensor, sigma: number, next: number) => Tensor;

/**
 * The noise of the Brownian motion that a seed stands for; undefined without a seed.
 * @param from the smallest σ of the motion
 * @param to the largest
 * @throws InputError for what is no seed; the noise throws it where there are not as many seeds as samples
 */
export function seededNoise(
  scheduler: string,
  seed: NoiseSeed | undefined,
  from: number,
  to: number,
): SeededNoise | undefined {
  if (seed === undefined) return undefined;
  const motionOf = (one: number | bigint) => ({ seed: entropyOf(scheduler, one), from, to });
  if (!isList(seed)) {
    const motion = motionOf(seed);
    return ({ shape, dtype }, sigma, next) => brownianNoise(motion, sigma, next, shape, dtype);
  }
  const motions = seed.map(motionOf);
  return ({ shape, dtype }, sigma, next) => {
    if (motions.length !== shape[0])
      throw new InputError(`${scheduler}: ${motions.length} seeds are given for ${shape[0]} samples; expected as many`);
    return brownianNoise(motions, sigma, next, shape, dtype);
  };
}

/** A seed without its sign: in 64 bits, as `initial_seed` of a generator gives it back. */
function entropyOf(scheduler: string, seed: number | bigint): bigint {
  const whole = typeof seed === 'bigint' || Number.isSafeInteger(seed) ? BigInt(seed) : undefined;
  if (whole === undefined || whole < -(2n ** 63n) || whole >= 2n ** 64n)
    throw new InputError(
      `${scheduler}: a seed of its noise is ${String(seed)}; expected a whole number from −2^63 to 2^64 − 1`,
    );
  return BigInt.asUintN(64, whole);
}

function isList(seed: NoiseSeed): seed is readonly (number | bigint)[] {
  return Array.isArray(seed);
}
