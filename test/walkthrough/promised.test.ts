import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ReadFile } from '../../src/formats/read-file.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { expecting } from '../../src/walkthrough/work/promised.ts';

const bytes = Uint8Array.of(1, 2, 3, 4);
const sum = createHash('sha256').update(bytes).digest('hex');
const readerOf =
  (given: Uint8Array | undefined): ReadFile =>
  async (_path, part) =>
    given && part?.first !== undefined ? given.subarray(0, part.first) : given;

describe('a file that was promised', () => {
  it('is read as it is, whole and in part', async () => {
    const read = expecting(readerOf(bytes), { model: sum });
    expect(await read('model')).toEqual(bytes);
    expect(await read('model', { first: 2 })).toEqual(bytes.subarray(0, 2));
  });

  it('is refused when a bit of it differs', async () => {
    const read = expecting(readerOf(Uint8Array.of(1, 2, 3, 5)), { model: sum });
    await expect(read('model')).rejects.toThrow(InputError);
    await expect(read('model')).rejects.toThrow(/^model is not the file .* expected 9f64a747e1b9; it was changed/);
  });

  it('is not asked of others, nor of what is missing', async () => {
    const read = expecting(readerOf(Uint8Array.of(9)), { model: sum });
    expect(await read('config.json')).toEqual(Uint8Array.of(9));
    expect(await expecting(readerOf(undefined), { model: sum })('model')).toBeUndefined();
  });
});
