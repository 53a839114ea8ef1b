/**
 * Rows of a matrix times columns, many at a time.
 *
 * Against `rowTimesColumn` of definition/winograd: a term of each sum is added before the next term of any, so the loop
 * runs along numbers as they lie in memory. Each single sum takes its terms in the same order.
 */
import type { FloatArray } from '../../tensor/tensor.ts';

const f32 = Math.fround;

/** Numbers of an array: the first of each line, `line` apart from `start` on, and behind it others, `step` apart. */
export interface Grid {
  readonly data: FloatArray;
  readonly start: number;
  readonly line: number;
  readonly step: number;
}

/** How many lines of a grid are meant, and how many numbers of each. */
export interface Extent {
  readonly lines: number;
  readonly count: number;
}

/** to = Σ_k row[k] · grid(k): for each number the `rowTimesColumn` of the definition. */
export function combine(to: Grid, extent: Extent, row: readonly number[], grid: (k: number) => Grid): void {
  let isFirst = true;
  for (let k = 0; k < row.length; k++) {
    if (row[k] === 0) continue;
    addTimes(to, extent, row[k], grid(k), isFirst);
    isFirst = false;
  }
}

/** to += factor · from, each product and each sum rounded as `to` holds it; the first term is added to 0. */
function addTimes(to: Grid, { lines, count }: Extent, factor: number, from: Grid, isFirst: boolean): void {
  const single = to.data instanceof Float32Array;
  for (let line = 0; line < lines; line++) {
    let at = to.start + line * to.line;
    let source = from.start + line * from.line;
    for (let i = 0; i < count; i++) {
      const product = factor * from.data[source];
      to.data[at] = (isFirst ? 0 : to.data[at]) + (single ? f32(product) : product);
      at += to.step;
      source += from.step;
    }
  }
}
