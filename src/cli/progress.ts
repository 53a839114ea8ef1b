/** Progress of long work, on stderr and only where a person looks. */

/** A line that says how far some work is. */
export interface Progress {
  /** @param note what is being done at present */
  update(done: number, total: number, note?: string): void;
  /** Takes the line away. */
  end(): void;
}

/** A line for this work; one that never shows where the stream is no terminal. */
export function createProgress(title: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { update: () => {}, end: () => {} };
  const started = performance.now();
  return {
    update(done, total, note = '') {
      stream.write(`\r\x1b[K${progressLine(title, done, total, (performance.now() - started) / 1000, note)}`);
    },
    end: () => stream.write('\r\x1b[K'),
  };
}

/**
 * `title [####····] 12/20  3.1 s, 2.0 s left  note`.
 * @param seconds since the work began
 */
export function progressLine(title: string, done: number, total: number, seconds: number, note: string): string {
  const width = 24;
  const filled = Math.round((width * done) / total);
  const left = done > 0 ? `, ${((seconds / done) * (total - done)).toFixed(1)} s left` : '';
  const bar = `${'#'.repeat(filled)}${'·'.repeat(width - filled)}`;
  return `${title} [${bar}] ${done}/${total}  ${seconds.toFixed(1)} s${left}  ${note}`;
}
