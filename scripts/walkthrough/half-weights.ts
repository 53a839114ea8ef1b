/** The letters model as the page loads it: half as large, its weights rounded to f16. */
import { parseSafetensors, readTensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { cast } from '../../src/tensor/rounding.ts';

/**
 * The same tensors, in the same order, rounded to the nearest f16.
 * @param bytes of a safetensors file
 * @param source its name, for messages
 */
export function halfWeights(bytes: Uint8Array, source: string): Uint8Array {
  const rounded = [...readTensors(parseSafetensors(bytes, source))].map(([name, x]) => [name, cast(x, 'f16')] as const);
  return writeSafetensors(Object.fromEntries(rounded), { format: 'pt' });
}
