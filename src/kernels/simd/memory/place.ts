/** Where tensors lie in memory, and how. */
import { sizeOf } from '../../../tensor/tensor.ts';
import type { Buffer } from './buffers.ts';

/** Bytes in memory: in a buffer of the plan's arena, or, without buffer, at a fixed address. */
export interface Place {
  readonly buffer: Buffer | undefined;
  /** Bytes from the start of the buffer or of the memory. */
  readonly offset: number;
  /** Bytes from a sample to the next. Within a sample there are no gaps. */
  readonly batchStride: number;
}

/** `dense`: as the shape says. `planar`: tokens [B,N,C] that lie as [B,C,N]. */
export type Layout = 'dense' | 'planar';

/** Where a value lies, and how. */
export interface Stored {
  readonly layout: Layout;
  readonly place: Place;
}

/** Samples of a tensor [B, …]; 1 for the empty shape. */
export const batchOf = (shape: readonly number[]): number => shape[0] ?? 1;

/** Bytes of a whole tensor of floats. */
export const tensorBytes = (shape: readonly number[]): number => 4 * sizeOf(shape);

/** Bytes of one sample. */
export const sampleBytes = (shape: readonly number[]): number => tensorBytes(shape) / Math.max(1, batchOf(shape));

/** The distance between samples that kernels are told: 0 where there is one sample, so that it makes no difference. */
export const strideOf = (place: Place, batch: number): number => (batch === 1 ? 0 : place.batchStride);

/** The distance between samples, or what it would be where there is but one. */
export const strideBetween = (place: Place, shape: readonly number[]): number =>
  batchOf(shape) === 1 ? sampleBytes(shape) : place.batchStride;

/** Whether the samples follow one another without gaps. */
export function isContiguous({ batchStride }: Place, shape: readonly number[]): boolean {
  return batchOf(shape) === 1 || batchStride === sampleBytes(shape);
}

/** Whether `batch` samples lie in the same bytes of the same memory. */
export function samePlace(a: Place, b: Place, batch: number): boolean {
  return a.buffer === b.buffer && a.offset === b.offset && strideOf(a, batch) === strideOf(b, batch);
}
