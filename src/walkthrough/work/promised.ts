/** Files that are known: another is refused, for a few flipped bits draw nonsense without a word. */
import type { ReadFile } from '../../formats/read-file.ts';
import { InputError } from '../../tensor/errors.ts';
import { sha256 } from '../sha256.ts';

/**
 * A reader that checks what it reads. Where the browser has no cryptography nothing is checked.
 * @param promised SHA-256 of files in hexadecimal, by their paths
 * @returns a reader that throws an InputError for a file that differs
 */
export function expecting(readFile: ReadFile, promised: Readonly<Record<string, string>>): ReadFile {
  return async (path, part) => {
    const bytes = await readFile(path, part);
    const expected = promised[path];
    const isPart = bytes !== undefined && part?.first !== undefined && bytes.length <= part.first;
    if (!bytes || isPart || expected === undefined) return bytes;
    const found = await sha256(bytes);
    if (found === undefined || found === expected) return bytes;
    throw new InputError(
      `${path} is not the file that belongs to this page: its SHA-256 begins with ${found.slice(0, 12)}, ` +
        `expected ${expected.slice(0, 12)}; it was changed or damaged on its way`,
    );
  };
}
