/** A random order, as PyTorch draws it. Source: ATen/native/TensorFactories.cpp, `randperm_cpu`. */
import { InputError } from './errors.ts';
import { mersenneTwister, nextWord } from './mersenne-twister.ts';
import { at } from './at.ts';

/** PyTorch draws longer ones otherwise. */
const most = Math.floor((2 ** 32 - 1) / 20);

/**
 * The numbers from 0 to count − 1 in a random order: `torch.randperm(count)` behind `torch.manual_seed(seed)`, bit for
 * bit. Fisher and Yates' shuffle, from the front.
 * @param count from 0 to 214,748,364
 * @param seed a whole number of 32 bits
 * @throws InputError for another count
 */
export function permutation(count: number, seed: number): Uint32Array {
  if (!Number.isInteger(count) || count < 0 || count > most)
    throw new InputError(`${count} numbers cannot be put in order; expected a whole number from 0 to ${most}`);
  const twister = mersenneTwister(seed);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i < count - 1; i++) {
    const other = i + (nextWord(twister) % (count - i));
    const moved = at(order, other);
    order[other] = at(order, i);
    order[i] = moved;
  }
  return order;
}
