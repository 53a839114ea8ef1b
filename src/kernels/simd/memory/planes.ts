/**
 * Pictures in memory. A plane is one channel of one sample. A convolution reads planes with a border of zeros: whoever
 * writes such a plane writes its border too, since memory is used again by other tensors.
 */
import { sizeOf } from '../../../tensor/tensor.ts';
import type { Padding } from '../../kernels.ts';
import { runLength } from '../../definition/sums.ts';
import { greatestCommonDivisor } from '../division.ts';
import type { Place } from './place.ts';

/** Height and width of the planes of a tensor [B, C, …]. */
export function planeSize(shape: readonly number[]): { height: number; width: number } {
  return shape.length === 4 ? { height: shape[2], width: shape[3] } : { height: 1, width: sizeOf(shape.slice(2)) };
}

/** The planes of a picture [B,C,H,W], or of tokens [B,N,C] that lie as planes. */
export function planesOf(shape: readonly number[]): { batch: number; channels: number; height: number; width: number } {
  const [batch, second, third] = shape;
  return shape.length === 3
    ? { batch, channels: third, height: 1, width: second }
    : { batch, channels: second, ...planeSize(shape) };
}

/** Strides in bytes, borders in pixels. A dense plane has no border and rows of its width. */
export interface PlaneLayout extends Padding {
  readonly batchStride: number;
  readonly planeStride: number;
  readonly rowStride: number;
}

/** A picture's planes in memory: where they begin, and how they lie. */
export interface PlacedPlanes {
  readonly place: Place;
  readonly layout: PlaneLayout;
}

/** Whether there is a border at all; without one, rows follow one another without a gap. */
export function hasBorder({ top, bottom, left, right }: Padding): boolean {
  return top + bottom + left + right > 0;
}

/** No border: [C, H, W] as in a tensor. */
export function densePlanes(height: number, width: number, batchStride: number): PlaneLayout {
  return { batchStride, planeStride: 4 * height * width, rowStride: 4 * width, top: 0, bottom: 0, left: 0, right: 0 };
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
  return Math.min(channels, runLength) > (PER_PLACE * PLACES) / greatestCommonDivisor(PLACES, lines);
}

/** So many bytes or just more: an odd number of cache lines, so that what lies so far apart does not crowd there. */
export function apart(bytes: number): number {
  const lines = Math.ceil(bytes / LINE);
  return LINE * (lines % 2 === 0 ? lines + 1 : lines);
}

/**
 * Planes with a border, or without one but apart. Two habits: a plane ends in room for the vector that overshoots its
 * last row, and planes are an odd number of cache lines apart, so that none is crowded.
 */
export function borderedPlanes(
  channels: number,
  height: number,
  width: number,
  { top, bottom, left, right }: Padding,
): PlaneLayout {
  const rowStride = 4 * (left + width + right);
  const planeStride = apart((top + height + bottom) * rowStride + 16);
  return { batchStride: channels * planeStride, planeStride, rowStride, top, bottom, left, right };
}
