import { InputError } from '../../tensor/errors.ts';

/** @throws InputError unless `manualSeed` can begin with it */
export function checkSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new InputError(`the seed of a perturbation is ${seed}; it must be a whole number from 0 to 2^53 − 1`);
  }
}
