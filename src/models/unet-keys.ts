/** Readers of keys that the configs of several models have. Each throws an InputError that names the key. */
import type { Activation } from '../kernels/kernels.ts';
import { isInteger, type ConfigKeys } from './config-keys.ts';

/** The activation functions that diffusers knows by name. */
const known = ['silu', 'gelu', 'mish', 'relu'] as const satisfies readonly Activation[];

/** An activation function; `swish` is another name of `silu`, and capitals do not matter. */
export function activationOf(keys: ConfigKeys, key: string): Activation {
  const value = keys.read(key);
  const name = typeof value === 'string' ? value.toLowerCase() : '';
  const found = known.find((candidate) => candidate === (name === 'swish' ? 'silu' : name));
  return found ?? keys.refuse(key, 'silu (or swish), gelu, mish, relu');
}

/** An activation function, or null for none. */
export function optionalActivation(keys: ConfigKeys, key: string): Activation | undefined {
  return keys.read(key) === null ? undefined : activationOf(keys, key);
}

/** A size in pixels: one number for both sides, [height, width], or null for none. */
export function sampleSizeOf(keys: ConfigKeys): readonly [number, number] | undefined {
  const value = keys.read('sample_size');
  if (value === null) return undefined;
  if (isInteger(value, 1)) return [value, value];
  const [height, width, ...others] = Array.isArray(value) ? (value as readonly unknown[]) : [];
  if (isInteger(height, 1) && isInteger(width, 1) && others.length === 0) return [height, width];
  return keys.refuse('sample_size', 'a whole number or [height, width]');
}

/**
 * The names of blocks. Checkpoints from before the blocks were named so carry a prefix, UNetRes, that diffusers drops,
 * too.
 */
export function blockTypesOf<T extends string>(keys: ConfigKeys, key: string, types: readonly T[]): readonly T[] {
  return keys.list(key).map((entry) => {
    const name = typeof entry === 'string' ? entry.replace(/^UNetRes/, '') : entry;
    return (
      types.find((candidate) => candidate === name) ??
      keys.fail(`${key} names ${JSON.stringify(entry)}; supported are ${types.join(', ')}`)
    );
  });
}

/** Groups of norms, which must divide the channels of every block. */
export function normGroupsOf(keys: ConfigKeys, blockOutChannels: readonly number[]): number {
  const groups = keys.integer('norm_num_groups', 1);
  for (const channels of blockOutChannels) {
    if (channels % groups === 0) continue;
    keys.fail(`block_out_channels has ${channels}, which norm_num_groups = ${groups} does not divide`);
  }
  return groups;
}

/** Fails unless there is a type for each block of each way. */
export function expectAsMany(keys: ConfigKeys, down: number, up: number, count: number): void {
  if (down === count && up === count) return;
  keys.fail(
    `down_block_types has ${down} entries, up_block_types ${up}, ` +
      `block_out_channels ${count}; they must be as many`,
  );
}

/** What norms add to a variance: a number that is not negative. */
export function normEpsOf(keys: ConfigKeys): number {
  const eps = keys.finite('norm_eps');
  return eps < 0 ? keys.refuse('norm_eps', 'a number that is not negative') : eps;
}

/** The border of a halving convolution, in pixels: 0 (below and at the right only) or 1. */
export function downsamplePaddingOf(keys: ConfigKeys): number {
  const padding = keys.integer('downsample_padding', 0);
  const expected = '0 or 1, with which the sizes of the way up are those of the way down';
  return padding > 1 ? keys.refuse('downsample_padding', expected) : padding;
}

/** What a sum is divided by: a number other than 0. */
export function divisorOf(keys: ConfigKeys, key: string): number {
  const divisor = keys.finite(key);
  return divisor === 0 ? keys.refuse(key, 'a number other than 0') : divisor;
}
