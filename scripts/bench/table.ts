/** The results of a run as tables in Markdown. */
import { casesOf, measurementOf, ratioOf, type Measurement, type Results } from './results.ts';

/** What stands behind the time of somebody whose results do not agree with PyTorch's. */
export function markOf({ disagreement }: Measurement): string {
  return disagreement === undefined ? '' : ' †';
}

/** Milliseconds with three digits. */
export function milliseconds(value: number): string {
  return value < 1000 ? String(Number(value.toPrecision(3))) : value.toFixed(0);
}

/**
 * A row for each case, a column for each contender: how long it takes beside `simd`, and its median and range in
 * milliseconds, of the processor with one thread, on the wall with several.
 */
export function timesTable(results: Results, threads: number): string {
  const clock = threads === 1 ? 'processor' : 'wall';
  return grid(results, threads, (one) => {
    const simd = measurementOf(results, { ...one, contender: 'simd' });
    const ratio = simd ? `**${ratioOf(one, simd, clock).toFixed(2)}** ` : '';
    const [median, low, high] = [one[clock].median, one[clock].low, one[clock].high].map(milliseconds);
    return `${ratio}${median} (${low}–${high})${markOf(one)}`;
  });
}

/** How far the results of one thread are from PyTorch's float64: relative, root mean square. */
export function errorsTable(results: Results): string {
  return grid(results, 1, ({ error }) => error.toExponential(1));
}

/** The first pass on one thread, in milliseconds of processor time, and the largest resident set in MB. */
export function firstTable(results: Results): string {
  return grid(results, 1, ({ first, megabytes }) => `${milliseconds(first.median)} (${megabytes.toFixed(0)})`);
}

/** Cases by contenders. */
function grid(results: Results, threads: number, cellOf: (one: Measurement) => string): string {
  const all = casesOf(results, threads);
  const names = [...new Set(all.flatMap(({ members }) => members.map(({ contender }) => contender)))];
  const rows = all.map(({ title, members }) => [
    title,
    ...names.map((name) => members.filter(({ contender }) => contender === name).map(cellOf)[0] ?? '–'),
  ]);
  const head = ['', ...names];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
