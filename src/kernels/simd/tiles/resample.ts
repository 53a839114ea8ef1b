/** Pictures of other sizes. Repeats upsampleNearest2x and averagePool2x of definition/resampling, plane by plane. */
import { keyOf } from '../../key.ts';
import { f32, f32x4, forRange, i32, memoryFill, set, shuffle32, v128 } from '../assembler/index.ts';
import type { Code, Func } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { densePlanes, type PlaneLayout } from '../memory/planes.ts';
import { parallel } from '../threads/parallel.ts';
import { planeAt } from './plane-writer.ts';

/** A picture that is read dense and written in another size or layout. */
export interface PictureSpec {
  readonly batch: number;
  readonly channels: number;
  /** Of the input. */
  readonly height: number;
  readonly width: number;
  /** Bytes from a sample of the input to the next. */
  readonly inBatchStride: number;
  readonly out: PlaneLayout;
}

/** The kernel of (thread, counters, x, out): each pixel four times, with the border of the layout around. */
export function upsampleKernel(lib: Library, spec: PictureSpec): Func {
  const { batch, channels, height, width, out } = spec;
  const input = densePlanes(height, width, spec.inBatchStride);
  const { top, bottom, left, right, rowStride } = out;
  return kernel(lib, `upsample${keyOf(spec)}`, 2, (body) => {
    const [x0, out0] = body.pointers;
    const [source, target, row, column] = body.locals('i32');
    const pixels = body.local('v128');
    const number = body.local('f32');
    const lastRow = (top + 2 * height) * rowStride;
    const zeros = (count: number, start: number): Code =>
      Array.from({ length: 2 * count }, (_, i) =>
        f32.store(target, f32.const(0), (i % 2) * rowStride + start + 4 * Math.floor(i / 2)),
      );
    const whole = width - (width % 4);
    return parallel(lib, body, batch * channels, (plane) => [
      set(source, planeAt(x0, plane, channels, input)),
      set(target, planeAt(out0, plane, channels, out)),
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
export function averagePoolKernel(lib: Library, spec: PictureSpec): Func {
  const { batch, channels, height, width, out } = spec;
  const input = densePlanes(height, width, spec.inBatchStride);
  const [outHeight, outWidth] = [Math.floor(height / 2), Math.floor(width / 2)];
  return kernel(lib, `averagePool${keyOf(spec)}`, 2, (body) => {
    const [x0, out0] = body.pointers;
    const [source, target, row, column] = body.locals('i32');
    const pixel = (offset: number) => v128.load32Zero(at(source, column, 8), offset);
    return parallel(lib, body, batch * channels, (plane) => [
      set(source, planeAt(x0, plane, channels, input)),
      set(target, planeAt(out0, plane, channels, out)),
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
