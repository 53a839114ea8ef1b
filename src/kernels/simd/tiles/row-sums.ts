/**
 * The sums of rows, in runs: a linear layer whose weights are all 1. Four rows lie in the lanes of a vector, so that
 * each has its own sum, added in the definition's order; two such vectors take turns.
 */
import { keyOf } from '../../key.ts';
import { runLength } from '../../definition/sums.ts';
import { atMost, call, f32x4, forRange, i32, set, v128, when } from '../assembler/index.ts';
import type { Code, Func } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';
import type { RowsSpec } from './softmax.ts';
import { storeLanes, transposed } from './vectors.ts';

/** Rows of a unit of work: two vectors. */
const ROWS = 8;

/** The kernel of (thread, counters, x, out): x has `rows` rows of `size` numbers, out a number for each. */
export function rowSumsKernel(lib: Library, spec: RowsSpec): Func {
  const { rows, size } = spec;
  const units = Math.ceil(rows / ROWS);
  const rest = rows % ROWS;
  return kernel(lib, `rowSums${keyOf(spec)}`, 2, (body) => {
    const [x, out] = body.pointers;
    return parallel(lib, body, units, (unit) => {
      const sums = (count: number): Code =>
        call(rowSums(lib, size, count), at(x, unit, 4 * size * ROWS), at(out, unit, 4 * ROWS));
      return rest === 0 ? sums(ROWS) : when(i32.eq(unit, i32.const(units - 1)), sums(rest), sums(ROWS));
    });
  });
}

/** The function (x, out) that sums `count` rows of `size` numbers. */
function rowSums(lib: Library, size: number, count: number): Func {
  return lib.func(keyOf(['rowSumsOf', size, count]), { params: ['i32', 'i32'], results: [] }, (body) => {
    const [x, out] = body.params;
    const [start, offset, end] = body.locals('i32');
    const groups = Array.from({ length: Math.ceil(count / 4) }, (_, group) => ({
      lanes: Math.min(4, count - 4 * group),
      sum: body.local('v128'),
      total: body.local('v128'),
    }));
    /** Adds `terms` numbers of each row, from `offset` on; what a vector holds beyond them is passed over. */
    const addTerms = (terms: number): Code => {
      const columnsOf = groups.map(({ lanes }, group) =>
        transposed(
          body,
          Array.from({ length: lanes }, (_, lane) => v128.load(i32.add(x, offset), 4 * size * (4 * group + lane))),
        ),
      );
      return [
        columnsOf.map(({ code }) => code),
        Array.from({ length: terms }, (_, term) =>
          groups.map(({ sum }, group) => set(sum, f32x4.add(sum, columnsOf[group].columns[term]))),
        ),
      ];
    };
    const whole = size - (size % 4);
    const lastRun = 4 * runLength * Math.floor(whole / runLength);
    return [
      groups.map(({ total }) => set(total, f32x4.const(0))),
      forRange(start, i32.const(0), i32.const(4 * size), 4 * runLength, [
        groups.map(({ sum }) => set(sum, f32x4.const(0))),
        set(end, i32.add(start, i32.const(4 * runLength))),
        atMost(end, i32.const(4 * whole)),
        forRange(offset, start, end, 16, addTerms(4)),
        size % 4 === 0 ? [] : when(i32.eq(start, i32.const(lastRun)), addTerms(size % 4)),
        groups.map(({ sum, total }) => set(total, f32x4.add(total, sum))),
      ]),
      groups.map(({ lanes, total }, group) => storeLanes(out, total, lanes, 16 * group)),
    ];
  });
}
