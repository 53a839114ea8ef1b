/** A random order, as PyTorch draws it. Source: ATen/native/TensorFactories.cpp, `randperm_cpu`. */
import { InputError } from './errors.ts';
import { mersenneTwister, nextWord, type MersenneTwister } from './mersenne-twister.ts';
import { at } from './at.ts';

/** PyTorch draws longer ones otherwise. */
const most = Math.floor((2 ** 32 - 1) / 20);

/** Whether so many numbers can be put in order: a whole number from 0 to 214,748,364. */
export function canBeOrdered(count: number): boolean {
  return Number.isInteger(count) && count >= 0 && count <= most;
}

/**
 * The numbers from 0 to count − 1 in a random order: `torch.randperm(count)` behind `torch.manual_seed(seed)`, bit for
 * bit.
 * @param count from 0 to 214,748,364
 * @param seed a whole number of 32 bits
 * @throws InputError for another count
 */
export function permutation(count: number, seed: number): Uint32Array {
  if (!canBeOrdered(count))
    throw new InputError(`${count} numbers cannot be put in order; expected a whole number from 0 to ${most}`);
  return shuffled(mersenneTwister(seed), count);
}

/**
 * Fisher and Yates' shuffle, from the front: each place changes with one of those from it on. One word for each but the
 * last.
 */
export function shuffled(twister: MersenneTwister, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i < count - 1; i++) {
    const other = i + (nextWord(twister) % (count - i));
    const moved = at(order, other);
    order[other] = at(order, i);
    order[i] = moved;
  }
  return order;
}
