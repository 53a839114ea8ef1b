/**
 * Pictures of other sizes and layouts: plain/resampling: upsampleNearest2x and averagePool2x, borders, and
 * transposition.
 */
import { f32, f32x4, forRange, i32, memoryFill, set, shuffle32, v128 } from './assembler.ts';
import type { Code, Func, Local } from './assembler.ts';
import { at, kernel, type Library } from './library.ts';
import { keyOf } from '../key.ts';
import { parallel } from './parallel.ts';
import { writePlane, type PlaneLayout } from './planes.ts';

export interface ResampleSpec {
  readonly batch: number;
  readonly channels: number;
  /** Of the input. */
  readonly height: number;
  readonly width: number;
  readonly inBatchStride: number;
  readonly out: PlaneLayout;
}

/** The kernel of (thread, counters, x, out): each pixel four times, with the border of the layout around. */
export function upsampleKernel(lib: Library, spec: ResampleSpec): Func {
  const { batch, channels, height, width, out } = spec;
  const { top, bottom, left, right, rowStride } = out;
  return kernel(lib, `upsample${keyOf(spec)}`, 2, (body) => {
    const [x0, out0] = body.pointers as [Local<'i32'>, Local<'i32'>];
    const [source, target, row, column] = [0, 1, 2, 3].map(() => body.local('i32')) as Four;
    const pixels = body.local('v128');
    const number = body.local('f32');
    const lastRow = (top + 2 * height) * rowStride;
    const zeros = (count: number, start: number): Code =>
      Array.from({ length: 2 * count }, (_, i) =>
        f32.store(target, f32.const(0), (i % 2) * rowStride + start + 4 * Math.floor(i / 2)),
      );
    const whole = width - (width % 4);
    return parallel(lib, body, batch * channels, (plane) => [
      set(
        source,
        at(
          at(x0, i32.divU(plane, i32.const(channels)), spec.inBatchStride),
          i32.remU(plane, i32.const(channels)),
          4 * height * width,
        ),
      ),
      set(
        target,
        at(
          at(out0, i32.divU(plane, i32.const(channels)), out.batchStride),
          i32.remU(plane, i32.const(channels)),
          out.planeStride,
        ),
      ),
      top === 0 ? [] : memoryFill(target, 0, i32.const(top * rowStride)),
      bottom === 0 ? [] : memoryFill(i32.add(target, i32.const(lastRow)), 0, i32.const(bottom * rowStride)),
      set(target, i32.add(target, i32.const(top * rowStride))),
      forRange(row, i32.const(0), i32.const(height), 1, [
        zeros(left, 0),
        zeros(right, 4 * (left + 2 * width)),
        forRange(column, i32.const(0), i32.const(whole), 4, [
          set(pixels, v128.load(at(source, column, 4))),
          [0, 1].map((copy) => [
            v128.store(at(target, column, 8), shuffle32(pixels, pixels, [0, 0, 1, 1]), copy * rowStride + 4 * left),
            v128.store(
              at(target, column, 8),
              shuffle32(pixels, pixels, [2, 2, 3, 3]),
              copy * rowStride + 4 * left + 16,
            ),
          ]),
        ]),
        forRange(column, i32.const(whole), i32.const(width), 1, [
          set(number, f32.load(at(source, column, 4))),
          [0, 4, rowStride, rowStride + 4].map((offset) => f32.store(at(target, column, 8), number, offset + 4 * left)),
        ]),
        set(source, i32.add(source, i32.const(4 * width))),
        set(target, i32.add(target, i32.const(2 * rowStride))),
      ]),
    ]);
  });
}

/** The kernel of (thread, counters, x, out): ((x00 + x01) + x10) + x11, times a quarter. */
export function averagePoolKernel(lib: Library, spec: ResampleSpec): Func {
  const { batch, channels, height, width, out } = spec;
  const [outHeight, outWidth] = [Math.floor(height / 2), Math.floor(width / 2)];
  return kernel(lib, `averagePool${keyOf(spec)}`, 2, (body) => {
    const [x0, out0] = body.pointers as [Local<'i32'>, Local<'i32'>];
    const [source, target, row, column] = [0, 1, 2, 3].map(() => body.local('i32')) as Four;
    const pixel = (offset: number) => v128.load32Zero(at(source, column, 8), offset);
    return parallel(lib, body, batch * channels, (plane) => [
      set(
        source,
        at(
          at(x0, i32.divU(plane, i32.const(channels)), spec.inBatchStride),
          i32.remU(plane, i32.const(channels)),
          4 * height * width,
        ),
      ),
      set(
        target,
        at(
          at(out0, i32.divU(plane, i32.const(channels)), out.batchStride),
          i32.remU(plane, i32.const(channels)),
          out.planeStride,
        ),
      ),
      forRange(row, i32.const(0), i32.const(outHeight), 1, [
        forRange(column, i32.const(0), i32.const(outWidth), 1, [
          v128.store32Lane(
            at(target, column, 4),
            f32x4.mul(
              f32x4.const(0.25),
              f32x4.add(f32x4.add(f32x4.add(pixel(0), pixel(4)), pixel(4 * width)), pixel(4 * width + 4)),
            ),
            0,
          ),
        ]),
        set(source, i32.add(source, i32.const(8 * width))),
        set(target, i32.add(target, i32.const(4 * outWidth))),
      ]),
    ]);
  });
}

/** The kernel of (thread, counters, x, out): a picture with its border, or with its planes apart. */
export function borderKernel(lib: Library, spec: ResampleSpec): Func {
  const { batch, channels, height, width, out } = spec;
  return kernel(lib, `border${keyOf(spec)}`, 2, (body) => {
    const [x0, out0] = body.pointers as [Local<'i32'>, Local<'i32'>];
    const [x, y] = [body.local('i32'), body.local('i32')];
    return parallel(lib, body, batch * channels, (plane) => [
      set(
        x,
        at(
          at(x0, i32.divU(plane, i32.const(channels)), spec.inBatchStride),
          i32.remU(plane, i32.const(channels)),
          4 * height * width,
        ),
      ),
      set(
        y,
        at(
          at(out0, i32.divU(plane, i32.const(channels)), out.batchStride),
          i32.remU(plane, i32.const(channels)),
          out.planeStride,
        ),
      ),
      writePlane(body, {
        x,
        y,
        height,
        width,
        layout: out,
        compute: () => [],
        atOnce: 1,
      }),
    ]);
  });
}

export interface TransposeSpec {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly inBatchStride: number;
  readonly outBatchStride: number;
}

/** [B, rows, columns] → [B, columns, rows]. The kernel of (thread, counters, x, out). */
export function transposeKernel(lib: Library, spec: TransposeSpec): Func {
  const { batch, rows, columns } = spec;
  return kernel(lib, `transpose${keyOf(spec)}`, 2, (body) => {
    const [x0, out0] = body.pointers as [Local<'i32'>, Local<'i32'>];
    const [b, source, target, row] = [0, 1, 2, 3].map(() => body.local('i32')) as Four;
    return parallel(lib, body, batch * columns, (unit) => [
      set(b, i32.divU(unit, i32.const(columns))),
      set(source, at(at(x0, b, spec.inBatchStride), i32.remU(unit, i32.const(columns)), 4)),
      set(target, at(at(out0, b, spec.outBatchStride), i32.remU(unit, i32.const(columns)), 4 * rows)),
      forRange(
        row,
        i32.const(0),
        i32.const(rows),
        1,
        f32.store(at(target, row, 4), f32.load(at(source, row, 4 * columns))),
      ),
    ]);
  });
}

type Four = [Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>];
