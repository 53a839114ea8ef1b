/** Whole planes in, whole planes out, with a border or without. What is done to the elements is up to others. */
import { f32, forRange, i32, memoryFill, set, v128 } from '../assembler/index.ts';
import type { Body, Code, I32, Local } from '../assembler/index.ts';
import { at } from '../library.ts';
import { hasBorder, type PlaneLayout } from '../memory/planes.ts';
import { storeLanes } from './vectors.ts';

/**
 * The address of plane number `plane` of a batch that begins at `start`. Strides are in bytes, from a sample and from a
 * plane to the next.
 */
export function planeAt(
  start: I32,
  plane: I32,
  channels: number,
  { batchStride, planeStride }: Pick<PlaneLayout, 'batchStride' | 'planeStride'>,
): I32 {
  const sample = i32.divU(plane, i32.const(channels));
  return at(at(start, sample, batchStride), i32.remU(plane, i32.const(channels)), planeStride);
}

/** A plane that is written element by element from another. */
export interface PlaneWriter {
  /** The address of the plane that is read, dense, and of the plane that is written. */
  readonly x: Local<'i32'>;
  readonly y: Local<'i32'>;
  readonly height: number;
  readonly width: number;
  readonly layout: PlaneLayout;
  /** Code that makes four results of the four inputs in each of the vectors. */
  readonly compute: (vectors: readonly Local<'v128'>[]) => Code;
  /** How many vectors it is given at once, where there are so many. */
  readonly atOnce: number;
}

/** Code that writes a whole plane and its border. */
export function writePlane(body: Body, { x, y, height, width, layout, compute, atOnce }: PlaneWriter): Code {
  // Variables: an engine that joins vectors sees neighbours only in offsets from one and the same.
  const [offset, here, there] = body.locals('i32');
  const values = Array.from({ length: atOnce }, () => body.local('v128'));
  const [one] = values;
  /** The vectors from `from` on, `count` of them, to `to`. */
  const writeVectors = (from: I32, to: I32, count: number): Code => {
    const some = (taken: readonly Local<'v128'>[]): Code => [
      [set(here, i32.add(from, offset)), set(there, i32.add(to, offset))],
      taken.map((value, i) => set(value, v128.load(here, 16 * i))),
      compute(taken),
      taken.map((value, i) => v128.store(there, value, 16 * i)),
    ];
    const together = values.slice(0, Math.max(1, count));
    const whole = count - (count % together.length);
    return [
      forRange(offset, i32.const(0), i32.const(16 * whole), 16 * together.length, some(together)),
      forRange(offset, i32.const(16 * whole), i32.const(16 * count), 16, some([one])),
    ];
  };
  if (!hasBorder(layout)) {
    const pixels = height * width;
    return [
      writeVectors(x, y, Math.floor(pixels / 4)),
      pixels % 4 === 0
        ? []
        : [set(one, v128.load(i32.add(x, offset))), compute([one]), storeLanes(i32.add(y, offset), one, pixels % 4)],
    ];
  }
  const { top, bottom, left, right, rowStride } = layout;
  const [row, source, target] = body.locals('i32');
  const zeros = (count: number, start: number): Code =>
    Array.from({ length: count }, (_, i) => f32.store(target, f32.const(0), start + 4 * i));
  return [
    top === 0 ? [] : memoryFill(y, 0, i32.const(top * rowStride)),
    forRange(row, i32.const(0), i32.const(height), 1, [
      set(source, at(x, row, 4 * width)),
      set(target, i32.add(at(y, row, rowStride), i32.const(top * rowStride))),
      zeros(left, 0),
      // The last vector of a row may reach over its end: into the border and the next row, which are written later.
      writeVectors(source, i32.add(target, i32.const(4 * left)), Math.ceil(width / 4)),
      zeros(right, 4 * (left + width)),
    ]),
    bottom === 0 ? [] : memoryFill(i32.add(y, i32.const((top + height) * rowStride)), 0, i32.const(bottom * rowStride)),
  ];
}
