/**
 * Pictures in memory. A plane is one channel of one sample. A convolution reads planes with a border of zeros: whoever
 * writes such a plane writes its border too, since memory is used again by other tensors.
 */
import { f32, forRange, i32, memoryFill, set, v128 } from './assembler.ts';
import type { Body, Code, I32, Local } from './assembler.ts';
import { at, greatestCommonDivisor } from './library.ts';
import { RUN, storeLanes } from './tile.ts';

/** Strides in bytes, borders in pixels. A dense plane has no border and rows of its width. */
export interface PlaneLayout {
  readonly batchStride: number;
  readonly planeStride: number;
  readonly rowStride: number;
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Whether rows follow one another without a gap. */
export function isDense(layout: PlaneLayout): boolean {
  return layout.top + layout.bottom + layout.left + layout.right === 0;
}

/** No border: [C, H, W] as in a tensor. */
export function densePlanes(height: number, width: number, batchStride: number): PlaneLayout {
  return {
    batchStride,
    planeStride: 4 * height * width,
    rowStride: 4 * width,
    top: 0,
    bottom: 0,
    left: 0,
    right: 0,
  };
}

/** Bytes of a cache line. */
const LINE = 64;
/** Lines after which addresses fall into the same place of the first-level cache, which holds a few of them. */
const PLACES = 64;
const PER_PLACE = 4;

/**
 * Whether the same pixel of many channels, read one after another, would compete for the same places of the cache if
 * the planes were dense.
 */
export function crowded(channels: number, pixels: number): boolean {
  const lines = (4 * pixels) / LINE;
  if (!Number.isInteger(lines)) return false;
  return Math.min(channels, RUN) > (PER_PLACE * PLACES) / greatestCommonDivisor(PLACES, lines);
}

/**
 * Planes with a border, or without one but apart. Two habits: a plane ends in room for the vector that overshoots its
 * last row, and planes are an odd number of cache lines apart, so that none is crowded.
 */
export function borderedPlanes(
  channels: number,
  height: number,
  width: number,
  border: { top: number; bottom: number; left: number; right: number },
): PlaneLayout {
  const rowStride = 4 * (border.left + width + border.right);
  const lines = Math.ceil(((border.top + height + border.bottom) * rowStride + 16) / LINE);
  const planeStride = LINE * (lines % 2 === 0 ? lines + 1 : lines);
  return {
    batchStride: channels * planeStride,
    planeStride,
    rowStride,
    ...border,
  };
}

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

/** Writes a whole plane, element by element from another, and its border. */
export function writePlane(body: Body, { x, y, height, width, layout, compute, atOnce }: PlaneWriter): Code {
  const offset = body.local('i32');
  const values = Array.from({ length: atOnce }, () => body.local('v128'));
  const one = values[0]!;
  /** The vectors from `from` on, `count` of them, to `to`. */
  const writeVectors = (from: I32, to: I32, count: number): Code => {
    const some = (taken: readonly Local<'v128'>[]): Code => [
      taken.map((value, i) => set(value, v128.load(i32.add(from, offset), 16 * i))),
      compute(taken),
      taken.map((value, i) => v128.store(i32.add(to, offset), value, 16 * i)),
    ];
    const together = values.slice(0, Math.max(1, count));
    const whole = count - (count % together.length);
    return [
      forRange(offset, i32.const(0), i32.const(16 * whole), 16 * together.length, some(together)),
      forRange(offset, i32.const(16 * whole), i32.const(16 * count), 16, some([one])),
    ];
  };
  if (isDense(layout)) {
    const pixels = height * width;
    return [
      writeVectors(x, y, Math.floor(pixels / 4)),
      pixels % 4 === 0
        ? []
        : [set(one, v128.load(i32.add(x, offset))), compute([one]), storeLanes(i32.add(y, offset), one, pixels % 4)],
    ];
  }
  const { top, bottom, left, right, rowStride } = layout;
  const row = body.local('i32');
  const source = body.local('i32');
  const target = body.local('i32');
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
