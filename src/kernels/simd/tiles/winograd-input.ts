/**
 * The first kernel of a Winograd convolution: what lies under each group of tiles, transformed. Pixels are transformed
 * as they lie, row against row; only then are they spread over the lanes, one tile each.
 */
import { keyOf } from '../../key.ts';
import { winogradTransforms } from '../../definition/winograd.ts';
import { atMost, forRange, i32, increase, set, shuffle32, v128 } from '../assembler/index.ts';
import type { Body, Code, Func, Local } from '../assembler/index.ts';
import { pieceSize } from '../division.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel, wantedUnits } from '../threads/parallel.ts';
import { transposed } from './vectors.ts';
import { combined, GROUP, groupsOf, VECTOR, type WinogradSpec } from './winograd.ts';

/** Channels whose vectors share a cache line, which one thread writes. */
const TOGETHER = 4;

/** A transformed number takes as long as so many multiplications. */
const WORK = 6;

/** What the first kernel depends on. */
export type WinogradInputSpec = Omit<WinogradSpec, 'outChannels' | 'outBatchStride' | 'epilogue'>;

/** The kernel of (thread, counters, input, transformed). @param groups where the transformed pixels lie */
export function winogradInputKernel(lib: Library, spec: WinogradInputSpec, groups = groupsOf(spec)): Func {
  const { batch, channels, width, input } = spec;
  const { places, rows, perRow, stripRows, groupStride, placeStride, stripStride } = groups;
  const together = Math.ceil(channels / TOGETHER);
  const work = WORK * batch * rows * perRow * GROUP * places * channels;
  const perUnit = TOGETHER * pieceSize(together, together, wantedUnits(lib, work) / (batch * rows));
  const chunks = Math.ceil(channels / perUnit);
  return kernel(lib, `winogradInput${keyOf([spec, stripRows])}`, 2, (body) => {
    const [inputStart, outStart] = body.pointers;
    const [row, begin, end, c, group, source0, source, target0, target] = body.locals('i32');
    const transform = groupTransform(body, spec, placeStride, source, target);
    return parallel(lib, body, batch * rows * chunks, (unit) => [
      set(begin, i32.mul(i32.remU(unit, i32.const(chunks)), i32.const(perUnit))),
      set(end, i32.add(begin, i32.const(perUnit))),
      channels % perUnit === 0 ? [] : atMost(end, i32.const(channels)),
      set(row, i32.divU(unit, i32.const(chunks))),
      set(source0, at(inputStart, i32.divU(row, i32.const(rows)), input.batchStride)),
      set(source0, at(source0, i32.remU(row, i32.const(rows)), 2 * input.rowStride)),
      set(target0, at(outStart, i32.divU(row, i32.const(stripRows)), stripStride)),
      set(target0, at(target0, i32.remU(row, i32.const(stripRows)), perRow * groupStride)),
      forRange(c, begin, end, 1, [
        set(source, at(source0, c, input.planeStride)),
        set(target, at(target0, c, VECTOR)),
        forRange(group, i32.const(0), i32.const(perRow), 1, [
          transform,
          increase(source, VECTOR * width),
          increase(target, groupStride),
        ]),
      ]),
    ]);
  });
}

/** Transforms what lies at `source` under a group, of one channel. */
function groupTransform(
  body: Body,
  { width, input }: WinogradInputSpec,
  placeStride: number,
  source: Local<'i32'>,
  target: Local<'i32'>,
): Code {
  const pixels = Array.from({ length: width + 1 }, () => body.local('v128'));
  return winogradTransforms[2].input.map((down, i) => {
    const { code, columns } = spread(body, width, pixels);
    return [
      pixels.map((vector, k) =>
        set(
          vector,
          combined(
            down,
            down.map((_, row) => v128.load(source, row * input.rowStride + VECTOR * k)),
          ),
        ),
      ),
      code,
      winogradTransforms[width].input.map((across, j) =>
        v128.store(target, combined(across, columns), (i * (width + 2) + j) * placeStride),
      ),
    ];
  });
}

/** Neighbouring pixels as the columns under four tiles: vector j holds pixel j of each tile. */
function spread(
  body: Body,
  width: number,
  pixels: readonly Local<'v128'>[],
): { readonly code: Code; readonly columns: readonly Local<'v128'>[] } {
  const own = width === 4 ? transposed(body, pixels.slice(0, 4)) : everySecond(body, pixels);
  const [last] = pixels.slice(-1);
  // The pixels beyond a tile's own are the first ones of the next tile.
  const beyond = [0, 1].map(() => body.local('v128'));
  const next = beyond.map((column, k) => set(column, shuffle32(own.columns[k], last, [1, 2, 3, 4 + k])));
  return { code: [own.code, next], columns: [...own.columns.slice(0, width), ...beyond] };
}

function everySecond(
  body: Body,
  [first, second]: readonly Local<'v128'>[],
): { readonly code: Code; readonly columns: readonly Local<'v128'>[] } {
  const columns = [0, 1].map(() => body.local('v128'));
  const code = columns.map((column, k) => set(column, shuffle32(first, second, [k, 2 + k, 4 + k, 6 + k])));
  return { code, columns };
}
