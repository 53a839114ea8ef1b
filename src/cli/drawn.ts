/** What is said when pictures have been drawn. */
import type { Backend } from '../kernels/kernels.ts';
import { counted, listed } from '../tensor/shown.ts';
import { shapeText } from '../tensor/tensor.ts';
import type { DType } from '../tensor/tensor.ts';
import { printResult } from './messages.ts';
import type { ParsedOptions } from './options.ts';
import { isStdout } from './out-files.ts';
import type { WrittenFiles } from './run-report.ts';

/** A run that is done, and where its results are. */
export interface DrawnRun {
  /** What one is called, as `sample`. */
  readonly what: string;
  /** Of all of them, [N,C,H,W]. */
  readonly shape: readonly number[];
  /** Guidance, scheduler and steps. */
  readonly title: string;
  readonly dtype: DType;
  readonly backend: Backend;
  /** When it began, as `performance.now()` had it. */
  readonly started: number;
  /** The files that were written. */
  readonly files: WrittenFiles;
}

/** Prints what was drawn, in how many seconds, and into which files. */
export function printDrawn(
  options: ParsedOptions,
  { what, shape: [count = 0, ...shape], title, dtype, backend, started, files }: DrawnRun,
): void {
  const seconds = (performance.now() - started) / 1000;
  const names = Object.values(files).flat();
  const drawn = `${counted(count, what)} of ${shapeText(shape)}, ${title}, ${dtype} on ${backend.name}`;
  printResult(options, {
    text: `${drawn}, in ${seconds.toFixed(1)} s: ${namesText(names)}`,
    json: { schema: 1, count, shape, run: title, dtype, kernels: backend.name, seconds, files },
    aside: names.some(isStdout),
  });
}

/** So many files are named; of more, the first ones. */
const mostNames = 6;

function namesText(names: readonly string[]): string {
  if (names.length > mostNames) return `${names.slice(0, mostNames - 1).join(', ')} … (${names.length} files)`;
  return listed(names);
}
