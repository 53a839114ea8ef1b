/** Files that are known: another is refused, for a few flipped bits draw nonsense without a word. */
import type { ReadFile } from '../../formats/read-file.ts';
import { hexadecimal } from '../../tensor/bytes.ts';
import { InputError } from '../../tensor/errors.ts';

/**
 * A reader that checks what it reads. Browsers have no cryptography on pages that are neither local nor https: there
 * nothing is checked.
 * @param promised SHA-256 of files in hexadecimal, by their paths
 * @returns a reader that throws an InputError for a file that differs
 */
export function expecting(readFile: ReadFile, promised: Readonly<Record<string, string>>): ReadFile {
  return async (path, part) => {
    const bytes = await readFile(path, part);
    const expected = promised[path];
    const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
    const isPart = bytes !== undefined && part?.first !== undefined && bytes.length <= part.first;
    if (!bytes || isPart || expected === undefined || !subtle) return bytes;
    const found = hexadecimal(new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
    if (found === expected) return bytes;
    throw new InputError(
      `${path} is not the file that belongs to this page: its SHA-256 begins with ${found.slice(0, 12)}, ` +
        `expected ${expected.slice(0, 12)}; it was changed or damaged on its way`,
    );
  };
}
