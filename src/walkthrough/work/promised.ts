/** Files that are known: another is refused, for a few flipped bits draw nonsense without a word. */
import type { LoadingProgress } from '../../formats/url-reader.ts';
import type { ReadFile } from '../../formats/read-file.ts';
import { InputError } from '../../tensor/errors.ts';
import { sha256 } from '../sha256.ts';

/** The files of a folder, by their paths. */
export type PromisedFiles = Readonly<Record<string, PromisedFile>>;
/** What is known of a file before it comes. */
export interface PromisedFile {
  /** SHA-256 in hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * A reader of a folder whose files are known: each is read once, as a whole, and checked; no other is asked for. Where
 * the browser has no cryptography nothing is checked.
 * @returns a reader that throws an InputError for a file that differs
 */
export function expecting(readFile: ReadFile, promised: PromisedFiles): ReadFile {
  const files = new Map<string, Promise<Uint8Array | undefined>>();
  return async (path) => {
    const expected = Object.hasOwn(promised, path) ? promised[path] : undefined;
    if (!expected) return undefined;
    const file = files.get(path) ?? readChecked(readFile, path, expected);
    files.set(path, file);
    return file;
  };
}

async function readChecked(readFile: ReadFile, path: string, expected: PromisedFile): Promise<Uint8Array | undefined> {
  const bytes = await readFile(path);
  const found = bytes && (await sha256(bytes));
  if (found === undefined || found === expected.sha256) return bytes;
  throw new InputError(
    `${path} is not the file that belongs to this page: its SHA-256 begins with ${found.slice(0, 12)}, ` +
      `expected ${expected.sha256.slice(0, 12)}; it was changed or damaged on its way`,
  );
}

/** How far a folder is loaded, in bytes. */
export interface Loaded {
  readonly done: number;
  readonly total: number;
}

/** So many bytes are loaded before it is said again. */
const stride = 100_000;

/** Adds up how far all files of a folder are, for `urlReader`. @param tell is told now and then */
export function countBytes(
  promised: PromisedFiles,
  tell: (loaded: Loaded) => void,
): (progress: LoadingProgress) => void {
  const total = Object.values(promised).reduce((sum, { bytes }) => sum + bytes, 0);
  const arrived = new Map<string, number>();
  let told = 0;
  return ({ path, done: bytes }) => {
    arrived.set(path, bytes);
    const done = [...arrived.values()].reduce((sum, part) => sum + part, 0);
    if (done - told < stride && done < total) return;
    told = done;
    tell({ done, total });
  };
}
