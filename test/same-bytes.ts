/**
 * Arrays of one kind with the same bytes are equal: Vitest would look at every number of a model by itself. Of others
 * it finds out in its own way whether they are, and where.
 */
import { expect } from 'vitest';

const bytesOf = (value: unknown): Buffer | undefined =>
  ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : undefined;

function haveSameBytes(a: unknown, b: unknown): true | undefined {
  const [ours, theirs] = [bytesOf(a), bytesOf(b)];
  if (!ours || !theirs || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return undefined;
  return ours.equals(theirs) || undefined;
}

// Once in each worker, whose files share what this changes.
expect.addEqualityTesters([haveSameBytes]);
