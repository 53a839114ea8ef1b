import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { ReadFile } from '../../src/formats/read-file.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { countBytes, expecting } from '../../src/walkthrough/work/promised.ts';

const bytes = Uint8Array.of(1, 2, 3, 4);
const promised = { model: { sha256: createHash('sha256').update(bytes).digest('hex'), bytes: 4 } };
const readerOf = (given: Uint8Array | undefined) => vi.fn<ReadFile>(async () => given);

describe('a file that was promised', () => {
  it('is read once, as it is, and whole, however much of it is asked for', async () => {
    const reader = readerOf(bytes);
    const read = expecting(reader, promised);
    expect(await read('model', { first: 2 })).toEqual(bytes);
    expect(await read('model')).toEqual(bytes);
    expect(reader).toHaveBeenCalledTimes(1);
  });

  it('is refused when a bit of it differs', async () => {
    const read = expecting(readerOf(Uint8Array.of(1, 2, 3, 5)), promised);
    await expect(read('model')).rejects.toThrow(InputError);
    await expect(read('model')).rejects.toThrow(/^model is not the file .* expected 9f64a747e1b9; it was changed/);
  });

  it('is missed where there is none; others are not asked for', async () => {
    const reader = readerOf(undefined);
    const read = expecting(reader, promised);
    expect(await read('model')).toBeUndefined();
    expect(await read('toString')).toBeUndefined();
    expect(reader).toHaveBeenCalledTimes(1);
  });
});

describe('the bytes of a folder', () => {
  it('are added up over its files, and said now and then, and in the end', () => {
    const told: unknown[] = [];
    const files = { a: { sha256: '', bytes: 250_000 }, b: { sha256: '', bytes: 50_000 } };
    const count = countBytes(files, (loaded) => told.push(loaded));
    for (const done of [10_000, 120_000, 130_000]) count({ path: 'a', done, total: undefined });
    count({ path: 'b', done: 50_000, total: 50_000 });
    count({ path: 'a', done: 250_000, total: undefined });
    expect(told.map((loaded) => (loaded as { done: number }).done)).toEqual([120_000, 300_000]);
    expect(told.at(-1)).toEqual({ done: 300_000, total: 300_000 });
  });
});
