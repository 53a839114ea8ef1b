/**
 * Weights in the panels that tiles read: those of constants are packed before a program runs, those that are computed
 * while it runs. The gradient of a product is packed so, too, where it is what a weight's gradient is made of.
 */
import { keyOf } from '../../key.ts';
import { call, f32, f32x4, forRange, i32, increase, set, v128, when } from '../assembler/index.ts';
import type { Body, Code, Func, Local } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';
import { panelsLength } from './panels.ts';
import { transposed } from './vectors.ts';

/**
 * Which numbers become panels: number (b, o, i, j) lies at b · batchStride + o · outputStride + i · outerStride + j ·
 * innerStride + offset, in bytes. The terms of an output are its (i, j) in their order.
 */
export interface PackSpec {
  readonly batch: number;
  readonly outputs: number;
  readonly outer: number;
  readonly inner: number;
  readonly batchStride: number;
  readonly outputStride: number;
  readonly outerStride: number;
  readonly innerStride: number;
  readonly offset: number;
}

/** The kernel of (thread, counters, numbers, packed): [batch][⌈outputs/P⌉][outer · inner][P], filled up with zeros. */
export function packKernel(lib: Library, spec: PackSpec): Func {
  const { batch, outputs, outer, inner } = spec;
  const panels = Math.ceil(outputs / lib.panel);
  const rest = outputs % lib.panel;
  return kernel(lib, `pack${keyOf(spec)}`, 2, (body) => {
    const [from0, to0] = body.pointers;
    const [b, panel, i, from, to] = body.locals('i32');
    const lanes = (count: number): Code => packLanes(lib, body, spec, from, to, count);
    return parallel(lib, body, batch * panels * outer, (unit) => [
      set(i, i32.remU(unit, i32.const(outer))),
      set(panel, i32.remU(i32.divU(unit, i32.const(outer)), i32.const(panels))),
      set(b, i32.divU(unit, i32.const(outer * panels))),
      set(from, i32.add(at(from0, b, spec.batchStride), i32.const(spec.offset))),
      set(from, at(at(from, panel, lib.panel * spec.outputStride), i, spec.outerStride)),
      set(to, at(at(to0, b, 4 * panelsLength(lib.panel, outputs, outer * inner)), i, 4 * inner * lib.panel)),
      set(to, at(to, panel, 4 * outer * inner * lib.panel)),
      rest === 0 ? lanes(lib.panel) : when(i32.eq(panel, i32.const(panels - 1)), lanes(rest), lanes(lib.panel)),
    ]);
  });
}

/** One row of terms of a panel of which `count` outputs are there: four at a time where they are neighbours. */
function packLanes(
  lib: Library,
  body: Body,
  { inner, innerStride, outputStride }: PackSpec,
  from: Local<'i32'>,
  to: Local<'i32'>,
  count: number,
): Code {
  const j = body.local('i32');
  const step = 4 * lib.panel;
  const whole = innerStride === 4 ? inner - (inner % 4) : 0;
  const singles = Array.from({ length: lib.panel }, (_, lane) =>
    f32.store(
      at(to, j, step),
      lane < count ? f32.load(at(from, j, innerStride), lane * outputStride) : f32.const(0),
      4 * lane,
    ),
  );
  return [
    whole === 0 ? [] : call(packFours(lib, count), from, to, i32.const(outputStride), i32.const(whole / 4)),
    forRange(j, i32.const(whole), i32.const(inner), 1, singles),
  ];
}

/**
 * The function (numbers, packed, output stride, fours) that packs so many times four terms of `count` outputs. It is
 * one for all weights, so that engines have optimized it by the second.
 */
function packFours(lib: Library, count: number): Func {
  const step = 4 * lib.panel;
  return lib.func(`packFours${count}`, { params: ['i32', 'i32', 'i32', 'i32'], results: [] }, (body) => {
    const [from, to, stride, fours] = body.params;
    const n = body.local('i32');
    const starts = Array.from({ length: Math.ceil(count / 4) }, () => body.local('i32'));
    const vectors = Array.from({ length: lib.panel / 4 }, (_, group) => {
      const rows = Array.from({ length: 4 }, (_row, lane) =>
        4 * group + lane < count ? v128.load(i32.add(starts[group], i32.mul(stride, i32.const(lane)))) : f32x4.const(0),
      );
      const { code, columns } = transposed(body, rows);
      return [code, columns.map((column, k) => v128.store(to, column, k * step + 16 * group))];
    });
    return [
      starts.map((start, group) => set(start, i32.add(from, i32.mul(stride, i32.const(4 * group))))),
      forRange(n, i32.const(0), fours, 1, [
        vectors,
        starts.map((start) => increase(start, 16)),
        increase(to, 4 * step),
      ]),
    ];
  });
}

/**
 * The kernel of (thread, counters, weight [O·C][3][3], out [4][O·C][2][2]): the kernels of the four phases of
 * upsampleConv2d. Rows are added before columns, as in `phaseWeight`.
 */
export function phaseWeightsKernel(lib: Library, kernels: number): Func {
  return kernel(lib, `phaseWeights${kernels}`, 2, (body) => {
    const [weight, out] = body.pointers;
    const [from, to] = body.locals('i32');
    const numbers = Array.from({ length: 9 }, () => body.local('f32'));
    /** Of three numbers the two that a phase meets. */
    const folded = <T>([first, middle, last]: readonly T[], phase: number, sum: (a: T, b: T) => T): readonly T[] =>
      phase === 0 ? [first, sum(middle, last)] : [sum(first, middle), last];
    const rows = [0, 3, 6].map((start) => numbers.slice(start, start + 3));
    const phaseCode = (row: number, column: number): Code => {
      const kept = folded<readonly ReturnType<typeof f32.add>[]>(rows, row, (a, b) =>
        a.map((x, i) => f32.add(x, b[i])),
      );
      const start = 16 * kernels * (2 * row + column);
      return kept
        .flatMap((threes) => folded(threes, column, f32.add))
        .map((number, k) => f32.store(to, number, start + 4 * k));
    };
    return parallel(lib, body, kernels, (unit) => [
      set(from, at(weight, unit, 36)),
      set(to, at(out, unit, 16)),
      numbers.map((number, k) => set(number, f32.load(from, 4 * k))),
      [0, 1].map((row) => [0, 1].map((column) => phaseCode(row, column))),
    ]);
  });
}
