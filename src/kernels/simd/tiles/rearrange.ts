/** The same numbers elsewhere: planes with a border or apart, and transposition. */
import { keyOf } from '../../key.ts';
import { f32, forRange, i32, increase, memoryFill, set, v128, when } from '../assembler/index.ts';
import type { Body, Code, Func, I32 } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { densePlanes } from '../memory/planes.ts';
import { parallel } from '../threads/parallel.ts';
import { planeAt, writePlane } from './plane-writer.ts';
import type { PictureSpec } from './resample.ts';
import { transposed } from './vectors.ts';

/** The kernel of (thread, counters, x, out): a picture with its border, or with its planes apart. */
export function borderKernel(lib: Library, spec: PictureSpec): Func {
  const { batch, channels, height, width, out } = spec;
  const input = densePlanes(height, width, spec.inBatchStride);
  return kernel(lib, `border${keyOf(spec)}`, 2, (body) => {
    const [x0, out0] = body.pointers;
    const [x, y] = body.locals('i32');
    return parallel(lib, body, batch * channels, (plane) => [
      set(x, planeAt(x0, plane, channels, input)),
      set(y, planeAt(out0, plane, channels, out)),
      writePlane(body, { x, y, height, width, layout: out, compute: () => [], atOnce: 1 }),
    ]);
  });
}

/** `rows` × `columns` numbers in each sample; strides in bytes. */
export interface TransposeSpec {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly inBatchStride: number;
  readonly outBatchStride: number;
}

/**
 * Rows and columns of a block that is turned over at once: half a cache line of each, and no more lines than a place of
 * the nearest cache holds where all of them fall into one.
 */
const BLOCK = 8;

/** [B, rows, columns] → [B, columns, rows]. The kernel of (thread, counters, x, out). */
export function transposeKernel(lib: Library, spec: TransposeSpec): Func {
  const { batch, rows, columns } = spec;
  const strips = Math.ceil(columns / BLOCK);
  const whole = rows - (rows % BLOCK);
  return kernel(lib, `transpose${keyOf(spec)}`, 2, (body) => {
    const [x0, out0] = body.pointers;
    const [b, strip, source, target, row, column] = body.locals('i32');
    /** The numbers of `count` columns, one by one, from a row on. */
    const singly = (first: number, count: number): Code =>
      forRange(
        column,
        i32.const(0),
        i32.const(count),
        1,
        forRange(
          row,
          i32.const(first),
          i32.const(rows),
          1,
          f32.store(at(at(target, column, 4 * rows), row, 4), f32.load(at(at(source, column, 4), row, 4 * columns))),
        ),
      );
    const blocks: Code = [
      forRange(
        row,
        i32.const(0),
        i32.const(whole),
        BLOCK,
        turnedBlock(body, at(source, row, 4 * columns), at(target, row, 4), spec),
      ),
      rows % BLOCK === 0 ? [] : singly(whole, BLOCK),
    ];
    return parallel(lib, body, batch * strips, (unit) => [
      set(b, i32.divU(unit, i32.const(strips))),
      set(strip, i32.remU(unit, i32.const(strips))),
      set(source, at(at(x0, b, spec.inBatchStride), strip, 4 * BLOCK)),
      set(target, at(at(out0, b, spec.outBatchStride), strip, 4 * BLOCK * rows)),
      columns % BLOCK === 0 ? blocks : when(i32.eq(strip, i32.const(strips - 1)), singly(0, columns % BLOCK), blocks),
    ]);
  });
}

/** Turns over the block at `from`. */
function turnedBlock(body: Body, from: I32, to: I32, { rows, columns }: TransposeSpec): Code {
  const [source, target] = body.locals('i32');
  const fours = Array.from({ length: BLOCK / 4 }, (_, i) => 4 * i);
  return [
    set(source, from),
    set(target, to),
    fours.map((column) =>
      fours.map((row) => {
        const numbers = [0, 1, 2, 3].map((i) => v128.load(source, 4 * ((row + i) * columns + column)));
        const { code, columns: turned } = transposed(body, numbers);
        return [code, turned.map((vector, i) => v128.store(target, vector, 4 * ((column + i) * rows + row)))];
      }),
    ),
  ];
}

/** Weights [O,C,…] whose kernels have `area` numbers. */
export interface TransposeWeightSpec {
  readonly outChannels: number;
  readonly channels: number;
  readonly area: number;
}

/** [O,C,…] → [C,O,…], each kernel turned by half a turn. The kernel of (thread, counters, weight, out), both dense. */
export function transposeWeightKernel(lib: Library, spec: TransposeWeightSpec): Func {
  const { outChannels, channels, area } = spec;
  return kernel(lib, `transposeWeight${keyOf(spec)}`, 2, (body) => {
    const [weight, out] = body.pointers;
    const [source, target, o, t] = body.locals('i32');
    return parallel(lib, body, channels, (c) => [
      set(source, at(weight, c, 4 * area)),
      set(target, at(out, c, 4 * outChannels * area)),
      forRange(o, i32.const(0), i32.const(outChannels), 1, [
        forRange(
          t,
          i32.const(0),
          i32.const(area),
          1,
          f32.store(at(target, t, 4), f32.load(at(source, i32.sub(i32.const(area - 1), t), 4))),
        ),
        increase(source, 4 * channels * area),
        increase(target, 4 * area),
      ]),
    ]);
  });
}

/** Pixels that are put apart into a picture of zeros; see definition/place-pixels. */
export interface PlacePixelsSpec {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly stride: number;
  readonly top: number;
  readonly left: number;
  readonly inBatchStride: number;
  readonly outBatchStride: number;
}

/** The kernel of (thread, counters, x, out): a picture of zeros, and every pixel at its place. */
export function placePixelsKernel(lib: Library, spec: PlacePixelsSpec): Func {
  const { batch, channels, outHeight, outWidth, stride, top, left } = spec;
  const input = densePlanes(spec.height, spec.width, spec.inBatchStride);
  const output = densePlanes(outHeight, outWidth, spec.outBatchStride);
  const rows = inside(spec.height, stride, top, outHeight);
  const columns = inside(spec.width, stride, left, outWidth);
  return kernel(lib, `placePixels${keyOf(spec)}`, 2, (body) => {
    const [x0, out0] = body.pointers;
    const [source, target, row, column] = body.locals('i32');
    const pixel = (start: I32): I32 => at(at(start, row, input.rowStride), column, 4);
    const place = (start: I32): I32 =>
      i32.add(
        at(at(start, row, stride * output.rowStride), column, 4 * stride),
        i32.const(top * output.rowStride + 4 * left),
      );
    return parallel(lib, body, batch * channels, (plane) => [
      set(source, planeAt(x0, plane, channels, input)),
      set(target, planeAt(out0, plane, channels, output)),
      memoryFill(target, 0, i32.const(4 * outHeight * outWidth)),
      forRange(
        row,
        i32.const(rows.first),
        i32.const(rows.end),
        1,
        forRange(
          column,
          i32.const(columns.first),
          i32.const(columns.end),
          1,
          f32.store(place(target), f32.load(pixel(source))),
        ),
      ),
    ]);
  });
}

/** Which of `count` pixels, the first of which goes to `start`, lie in a picture of `extent` pixels. */
function inside(count: number, stride: number, start: number, extent: number): { first: number; end: number } {
  const first = Math.max(0, Math.ceil(-start / stride));
  return { first, end: Math.min(count, Math.ceil((extent - start) / stride)) };
}
