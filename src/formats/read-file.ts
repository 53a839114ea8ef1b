/** Reading the files of a folder, wherever it lies. */
import { aFunction, mustBe, optional } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { longestJson, parseJson } from './json.ts';

/** What is wanted of a file. A reader that knows neither may ignore both and give the whole file. */
export interface FilePart {
  /** Only so many bytes from its beginning. A reader that gives more gives all of it. */
  readonly first?: number;
  /** All of it, unless it has more bytes than this: that is an InputError, before anything is read. */
  readonly most?: number;
}

/** Reads the file at a path within a folder; undefined when there is none. Node reads a disk, a browser fetches. */
export interface ReadFile {
  (path: string, part?: FilePart): Promise<Uint8Array | undefined>;
  /** What a folder holds, by name, where the reader can tell: messages then name what is there instead. */
  readonly list?: (folder: string) => Promise<readonly string[]>;
  /** Opens a file that is too large to be read as a whole without need; undefined for all others. */
  readonly open?: (path: string) => Promise<OpenFile | undefined>;
}

/** A file of which parts are read when they are needed. */
export interface OpenFile {
  /** Its bytes. */
  readonly size: number;
  /** Fills `target` with the bytes from `start` on. @throws InputError when it cannot, or the file has changed */
  readInto(target: Uint8Array, start: number): void;
}

/** @throws InputError when a file has more bytes than are wanted of one */
export function checkSize(bytes: number, { most = Infinity }: FilePart, source: string): void {
  if (bytes > most)
    throw new InputError(`${source} has ${bytes} bytes; at most ${most} are read of a file of this kind`);
}

/** What is wanted of a file that is there, without a copy. @throws InputError when it is larger than wanted */
export function firstOf(bytes: Uint8Array, part: FilePart, source: string): Uint8Array {
  checkSize(bytes.length, part, source);
  return bytes.subarray(0, part.first);
}

/** A reader, and not a path. */
export const aReader = aFunction('a function that reads a file of a folder, as folderReader(path)');

/** Bytes of a file. */
export const areBytes = mustBe(
  'a Uint8Array, or undefined where there is no file',
  (value) => value instanceof Uint8Array,
);

/**
 * A JSON file of a folder; undefined when there is no such file.
 * @param source the folder's name, for messages
 * @throws InputError when it is no JSON object
 */
export async function readJsonFile(
  readFile: ReadFile,
  path: string,
  source: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  aReader('what reads files', readFile);
  const bytes = await readFile(path, { most: longestJson });
  optional(areBytes)(`what the reader gives of ${path}`, bytes);
  return bytes && jsonObject(bytes, `${source}/${path}`);
}

/**
 * The JSON object that the bytes of a file are, with Infinity and -Infinity as Python writes them.
 * @param source the file's name, for messages
 * @throws InputError unless the bytes are a JSON object
 */
export function jsonObject(bytes: Uint8Array, source: string): Readonly<Record<string, unknown>> {
  const value = parseJson(bytes, source, true);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InputError(`${source} is no JSON object`);
  return value as Readonly<Record<string, unknown>>;
}
