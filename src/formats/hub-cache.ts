/** The Hub's cache of a model: its files lie in `snapshots/<commit>`, and `refs/main` holds the commit's name. */
import { InputError } from '../tensor/errors.ts';
import { aReader, type ReadFile } from './read-file.ts';

/** A folder to read from, and its name for messages. */
export interface Located {
  readonly readFile: ReadFile;
  readonly source: string;
}

/**
 * The latest snapshot in a cache; undefined when the folder is none.
 * @throws InputError when refs/main names no commit
 */
export async function snapshotOf(readFile: ReadFile, source: string): Promise<Located | undefined> {
  const bytes = await readFile('refs/main', { most: 1000 });
  if (!bytes) return undefined;
  const commit = new TextDecoder().decode(bytes).trim();
  if (!/^[0-9a-f]{4,64}$/.test(commit)) throw new InputError(`${source}/refs/main holds no name of a commit`);
  const folder = `snapshots/${commit}`;
  return { readFile: within(readFile, folder), source: `${source}/${folder}` };
}

/**
 * The folder that has one of these files: itself, or, of a cache, its latest snapshot.
 * @throws InputError for what reads no files, and as `snapshotOf`
 */
export async function located(readFile: ReadFile, source: string, ...files: readonly string[]): Promise<Located> {
  aReader('what reads files', readFile);
  for (const file of files) if (await readFile(file, { first: 1 })) return { readFile, source };
  return (await snapshotOf(readFile, source)) ?? { readFile, source };
}

function within(readFile: ReadFile, folder: string): ReadFile {
  const { list, open } = readFile;
  const inner: ReadFile = (path, part) => readFile(`${folder}/${path}`, part);
  return Object.assign(inner, {
    ...(list && { list: (path: string) => list(`${folder}/${path}`) }),
    ...(open && { open: (path: string) => open(`${folder}/${path}`) }),
  });
}
