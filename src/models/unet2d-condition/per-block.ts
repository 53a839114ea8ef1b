/** Keys that hold one number for all blocks, or one for each, or one for each layer of each. */
import { at } from '../../tensor/at.ts';
import { isInteger, type ConfigKeys } from '../config-keys.ts';

/** How many transformer blocks the Transformer2DModels have: layer by layer of each block, and in the middle. */
export interface TransformerLayers {
  /** From the first block to the deepest. */
  readonly down: readonly (readonly number[])[];
  readonly middle: number;
  /** From the deepest block to the last. */
  readonly up: readonly (readonly number[])[];
}

/**
 * A whole number for each of `count` blocks.
 * @throws InputError when the key is neither a number from `least` on nor a list of as many
 */
export function eachBlock(keys: ConfigKeys, key: string, count: number, least: number): readonly number[] {
  const value = keys.read(key);
  if (isInteger(value, least)) return Array.from({ length: count }, () => value);
  const numbers = Array.isArray(value) ? (value as readonly unknown[]) : [];
  const whole = numbers.filter((number) => isInteger(number, least));
  if (whole.length === count && numbers.length === count) return whole;
  return keys.refuse(key, `a whole number from ${least} on, or a list of ${count} of these`);
}

/**
 * `transformer_layers_per_block` and its counterpart for the way up.
 * @param layers of each block of the way down
 * @throws InputError when there are others than the blocks and layers need
 */
export function transformerLayersOf(keys: ConfigKeys, layers: readonly number[]): TransformerLayers {
  const key = 'transformer_layers_per_block';
  const reverseKey = 'reverse_transformer_layers_per_block';
  const reversed = keys.read(reverseKey);
  const ofUp = layers.map((count) => count + 1).reverse();
  const nested = keys.read(key);
  const lists = Array.isArray(nested) && (nested as readonly unknown[]).some(Array.isArray);
  if (lists && reversed === null) {
    keys.fail(`${key} has a list for a block, which needs ${reverseKey} for the way up`);
  }
  const down = eachLayer(keys, key, layers);
  return {
    down,
    middle: at(at(down, down.length - 1), 0),
    up: reversed === null ? turned(keys, key, ofUp) : eachLayer(keys, reverseKey, ofUp),
  };
}

/** The way up from what the way down says: a number for each block, or one for all. */
function turned(keys: ConfigKeys, key: string, layers: readonly number[]): readonly (readonly number[])[] {
  const each = eachBlock(keys, key, layers.length, 0);
  return layers.map((count, i) => Array.from({ length: count }, () => at(each, each.length - 1 - i)));
}

/** A number for each layer of each block, from one for all, one for each block, or a list for each. */
function eachLayer(keys: ConfigKeys, key: string, layers: readonly number[]): readonly (readonly number[])[] {
  const value = keys.read(key);
  const entries = Array.isArray(value) ? (value as readonly unknown[]) : layers.map(() => value);
  const expected = `a whole number, or for each of ${layers.length} blocks one, or a list with one for each layer`;
  if (entries.length !== layers.length) keys.refuse(key, expected);
  return layers.map((count, i) => {
    const entry = entries[i];
    const numbers = Array.isArray(entry) ? (entry as readonly unknown[]) : Array.from({ length: count }, () => entry);
    const whole = numbers.filter((number) => isInteger(number, 0));
    if (whole.length !== count || numbers.length !== count) return keys.refuse(key, expected);
    if (whole.some((number) => number > 64)) return keys.refuse(key, 'at most 64 for each layer');
    return whole;
  });
}
