/** Watching files: which of them were written since they were last looked at. */
import { statSync } from 'node:fs';

/** How files are watched. */
export interface WatchOptions {
  /** How long to wait between two looks, in milliseconds. */
  readonly interval: number;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

/**
 * Files that are new or were written, again and again: first all that there are. It looks, and does not listen to the
 * system, which says nothing of files on some file systems. A file that is gone is no news until it is back.
 */
export async function* writtenFiles(
  files: readonly string[],
  { interval, signal }: WatchOptions,
): AsyncGenerator<readonly string[], void, void> {
  let known = new Map<string, string>();
  while (!signal?.aborted) {
    const now = new Map(files.flatMap(stampOf));
    const written = [...now].filter(([file, stamp]) => known.get(file) !== stamp).map(([file]) => file);
    known = now;
    if (written.length > 0) yield written;
    await pause(interval, signal);
  }
}

/** A file with its size and time; nothing where it is not there. */
function stampOf(file: string): readonly (readonly [string, string])[] {
  const found = statSync(file, { throwIfNoEntry: false });
  return found ? [[file, `${found.ino} ${found.size} ${found.mtimeMs}`]] : [];
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener('abort', end);
  });
}
