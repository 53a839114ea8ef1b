/**
 * The weights of a Winograd convolution, transformed in double precision, rounded once, and put straight where the
 * products read them. The kernels of four outputs are transformed at once: number by number they are the lanes of a
 * vector, and of two vectors of doubles.
 */
import { turned, winogradTransforms, type Matrix } from '../../definition/winograd.ts';
import { keyOf } from '../../key.ts';
import type { WinogradWidth } from '../../kernels.ts';
import {
  atMost,
  call,
  f32x4,
  f64x2,
  forRange,
  i32,
  increase,
  promoteHigh,
  set,
  shuffle32,
  v128,
  when,
} from '../assembler/index.ts';
import type { Body, Code, Func, I32, Local, V128 } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';
import { transposed } from './vectors.ts';
import { combined, winogradPlaces } from './winograd.ts';

/** A weight [O,C,3,3], or one that is a part of the channels of another. */
export interface WinogradWeights {
  readonly outputs: number;
  readonly channels: number;
  readonly width: WinogradWidth;
  /** The first of the channels, of so many. */
  readonly first: number;
  readonly of: number;
}

/** Bytes of a kernel of 3 × 3. */
const KERNEL = 36;
/** Kernels that are transformed at once. */
const AT_ONCE = 4;

/**
 * The kernel of (thread, counters, weight, packed): in chunks of so many panels, place after place; a place is
 * [panel][C][P].
 */
export function winogradWeightsKernel(lib: Library, spec: WinogradWeights, perChunk: number): Func {
  const { outputs, channels, width, first, of } = spec;
  const panels = Math.ceil(outputs / lib.panel);
  const panelBytes = 4 * lib.panel * channels;
  return kernel(lib, `winogradWeights${keyOf([spec, perChunk])}`, 2, (body) => {
    const [weight, packed] = body.pointers;
    const [begin, placeBytes, c, from, to] = body.locals('i32');
    const fours = (count: number): Code =>
      Array.from({ length: Math.ceil(count / AT_ONCE) }, (_, i) =>
        call(
          transformFour(lib, width, Math.min(AT_ONCE, count - AT_ONCE * i)),
          i32.add(from, i32.const(AT_ONCE * i * KERNEL * of)),
          i32.const(KERNEL * of),
          i32.add(to, i32.const(4 * AT_ONCE * i)),
          placeBytes,
        ),
      );
    const each = (count: number): Code =>
      forRange(c, i32.const(0), i32.const(channels), 1, [
        fours(count),
        increase(from, KERNEL),
        increase(to, 4 * lib.panel),
      ]);
    const rest = outputs % lib.panel;
    return parallel(lib, body, panels, (panel) => [
      set(begin, i32.mul(i32.divU(panel, i32.const(perChunk)), i32.const(perChunk))),
      set(placeBytes, i32.sub(i32.const(panels), begin)),
      atMost(placeBytes, i32.const(perChunk)),
      set(placeBytes, i32.mul(placeBytes, i32.const(panelBytes))),
      set(to, at(at(packed, begin, winogradPlaces(width) * panelBytes), i32.sub(panel, begin), panelBytes)),
      set(from, i32.add(at(weight, panel, lib.panel * KERNEL * of), i32.const(KERNEL * first))),
      rest === 0 ? each(lib.panel) : when(i32.eq(panel, i32.const(panels - 1)), each(rest), each(lib.panel)),
    ]);
  });
}

/**
 * The function (kernels, bytes between them, packed, bytes between places) that transforms `count` kernels, up to four,
 * to vectors of which so many lanes count. It is one for all weights, so that engines have optimized it early.
 */
function transformFour(lib: Library, width: WinogradWidth, count: number): Func {
  const matrices = [winogradTransforms[2].weight, winogradTransforms[width].weight] as const;
  const params = ['i32', 'i32', 'i32', 'i32'] as const;
  return lib.func(keyOf(['winogradFour', width, count]), { params, results: [] }, (body) => {
    const [from, distance, to, placeBytes] = body.params;
    const starts = Array.from({ length: count }, () => body.local('i32'));
    const { code, numbers } = numbersOf(body, starts);
    return [
      starts.map((start, i) => set(start, i === 0 ? from : i32.add(starts[i - 1], distance))),
      code,
      transform(body, matrices, numbers, (value) => [v128.store(to, value), increase(to, placeBytes)]),
    ];
  });
}

/** The kernel of (thread, counters, sums [4 · (width + 2)][kernels], weights [kernels][3][3]): back from there. */
export function winogradWeightsBackKernel(lib: Library, kernels: number, width: WinogradWidth): Func {
  const matrices = [turned(winogradTransforms[2].weight), turned(winogradTransforms[width].weight)] as const;
  const places = matrices[0][0].length * matrices[1][0].length;
  return kernel(lib, `winogradWeightsBack${keyOf([kernels, width])}`, 2, (body) => {
    const [sums, out] = body.pointers;
    const [from, to] = body.locals('i32');
    const numbers = Array.from({ length: places }, (_, place) => v128.load(from, 4 * kernels * place));
    return parallel(lib, body, Math.ceil(kernels / AT_ONCE), (unit) => [
      set(from, at(sums, unit, 4 * AT_ONCE)),
      set(to, at(out, unit, KERNEL * AT_ONCE)),
      upToFour(kernels, unit, (count) =>
        transform(body, matrices, numbers, (value, place) =>
          Array.from({ length: count }, (_, lane) => v128.store32Lane(to, value, lane, KERNEL * lane + 4 * place)),
        ),
      ),
    ]);
  });
}

/** Code for the kernels of a unit: four, or in the last one perhaps fewer. */
function upToFour(kernels: number, unit: I32, code: (count: number) => Code): Code {
  const rest = kernels % AT_ONCE;
  if (rest === 0) return code(AT_ONCE);
  return when(i32.eq(unit, i32.const((kernels - rest) / AT_ONCE)), code(rest), code(AT_ONCE));
}

/** The nine numbers of up to four kernels, each number a vector. */
function numbersOf(body: Body, starts: readonly I32[]): { readonly code: Code; readonly numbers: readonly V128[] } {
  const from = (number: number) =>
    transposed(
      body,
      starts.map((start) => v128.load(start, 4 * number)),
    );
  const [first, second, last] = [from(0), from(4), from(5)];
  return {
    code: [first.code, second.code, last.code],
    numbers: [...first.columns, ...second.columns, last.columns[3]],
  };
}

/** Code that transforms the columns of small pictures, then their rows. */
function transform(
  body: Body,
  [down, across]: readonly [Matrix, Matrix],
  numbers: readonly V128[],
  store: (value: Local<'v128'>, place: number) => Code,
): Code {
  const columns = across[0].length;
  const pair = (): readonly Local<'v128'>[] => [body.local('v128'), body.local('v128')];
  const doubles = numbers.map(pair);
  const row = across[0].map(pair);
  const result = body.local('v128');
  const half = (pairs: readonly (readonly V128[])[], upper: number): readonly V128[] => pairs.map((of) => of[upper]);
  return [
    numbers.map((number, i) => [
      set(result, number),
      set(doubles[i][0], f64x2.promoteLow(result)),
      set(doubles[i][1], promoteHigh(result)),
    ]),
    down.map((factors, i) => [
      row.map((sum, j) => {
        const column = factors.map((_, k) => doubles[k * columns + j]);
        return sum.map((local, upper) => set(local, combined(factors, half(column, upper), f64x2)));
      }),
      across.map((more, j) => {
        const [low, high] = [0, 1].map((upper) => f32x4.demoteZero(combined(more, half(row, upper), f64x2)));
        return [set(result, shuffle32(low, high, [0, 1, 4, 5])), store(result, i * across.length + j)];
      }),
    ]),
  ];
}
