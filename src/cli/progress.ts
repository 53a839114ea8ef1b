/** Progress of long work, on stderr: a line that is drawn over itself on a terminal, a line now and then elsewhere. */
import { printable } from '../tensor/errors.ts';
import { messagesNow, warn } from './messages.ts';

/** A line that says how far some work is. */
export interface Progress {
  /** @param note what is being done at present */
  update(done: number, total: number, note?: string): void;
  /** Takes the line away. */
  end(): void;
}

/** Where there is no terminal, a line says every so many seconds how far the work is. */
const everySeconds = 5;

/** Where progress is shown. */
export type ProgressStream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'>;

/** A line for this work; nothing of work that is done soon where the stream is no terminal. */
export function createProgress(title: string, stream: ProgressStream = process.stderr): Progress {
  const { quiet } = messagesNow();
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  if (quiet || !stream.isTTY) return sparseProgress(title, seconds);
  return {
    update(done, total, note = '') {
      const line = progressLine({ title, done, total, seconds: seconds(), note }, stream.columns);
      stream.write(`\r\x1b[K${line}`);
    },
    end: () => stream.write('\r\x1b[K'),
  };
}

function sparseProgress(title: string, seconds: () => number): Progress {
  let last = 0;
  return {
    update(done, total, note = '') {
      const now = seconds();
      if (now - last < everySeconds) return;
      last = now;
      warn([progressText({ title, done, total, seconds: now, note })]);
    },
    end: () => {},
  };
}

/** How far some work is. */
export interface Done {
  readonly title: string;
  readonly done: number;
  readonly total: number;
  /** Since it began. */
  readonly seconds: number;
  /** What is being done at present; may be empty. */
  readonly note: string;
}

/** Of a step: what must be done before it is said how long the rest takes. */
const known = 0.02;

/** `title 12/20  3.1 s, 2.0 s left  note`. */
export function progressText({ title, done, total, seconds, note }: Done): string {
  const left = done >= known ? `, ${((seconds / done) * (total - done)).toFixed(1)} s left` : '';
  const steps = Number.isInteger(done) ? done : done.toFixed(2);
  return printable(`${title} ${steps}/${total}  ${seconds.toFixed(1)} s${left}  ${note}`.trimEnd());
}

/**
 * `title [####····] 12/20  3.1 s, 2.0 s left  note`, as much of it as fits on one line: first the bar gets shorter,
 * then it goes, then the end of the text.
 * @param columns characters in a line of the terminal; the last stays free, or the line would wrap
 */
export function progressLine(state: Done, columns = 80): string {
  const text = progressText(state);
  const title = printable(state.title);
  const width = Math.min(24, columns - 1 - text.length - '[] '.length);
  if (width < 4) return text.slice(0, Math.max(0, columns - 1));
  const filled = Math.round((width * Math.min(state.done, state.total)) / Math.max(1, state.total));
  return `${title} [${'#'.repeat(filled)}${'·'.repeat(width - filled)}]${text.slice(title.length)}`;
}
