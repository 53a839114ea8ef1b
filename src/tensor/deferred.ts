/**
 * Tensors whose numbers stay where they are, in a file, until somebody asks for them. Whoever reads `data` gets all of
 * them, which are kept from then on: such a tensor is one like any other. `numbersOf` reads them without keeping them,
 * so that a model of many gigabytes is never held as a whole.
 */
import type { DType, FloatArray, Tensor } from './tensor.ts';

/** Where numbers are kept, and how. */
export interface NumberSource {
  /** The format in which they are stored, little-endian. */
  readonly format: 'f32' | 'f16' | 'bf16';
  /** How many there are. */
  readonly length: number;
  /** Copies the bytes of all of them to `target`, which is as long. @throws InputError where they cannot be used */
  copyTo(target: Uint8Array): void;
  /** Numbers `start` up to `end`. @throws InputError where they cannot be used */
  read(start: number, end: number): Float32Array;
}

/** A source, and its numbers once somebody has asked for them to stay. */
interface Holder {
  readonly source: NumberSource;
  kept: Float32Array | undefined;
}

/** Under this key a tensor has its holder. It is a symbol, and not enumerable: copies of the tensor are plain ones. */
const holderKey = Symbol('numbers that are not read yet');

/** A tensor of these numbers, which are as many as its shape says, and not read yet. */
export function deferred(dtype: 'f32' | 'f16' | 'bf16', shape: readonly number[], source: NumberSource): Tensor {
  return over({ source, kept: undefined }, dtype, shape);
}

function over(holder: Holder, dtype: DType, shape: readonly number[]): Tensor {
  const made: Tensor = {
    dtype,
    shape,
    get data() {
      holder.kept ??= holder.source.read(0, holder.source.length);
      return holder.kept;
    },
  };
  return Object.defineProperty(made, holderKey, { value: holder });
}

function holderOf(x: object): Holder | undefined {
  return (x as { readonly [holderKey]?: Holder })[holderKey];
}

/** Whether the numbers of a tensor were left where they are when it was made. */
export function isDeferred(x: object): boolean {
  return holderOf(x) !== undefined;
}

/** Where the numbers of a tensor are still to be read from; undefined where they are at hand. */
export function sourceOf(x: Tensor): NumberSource | undefined {
  const holder = holderOf(x);
  return holder?.kept ? undefined : holder?.source;
}

/** What two tensors have in common that are made of the same numbers, whatever their shapes. */
export function identityOf(x: Tensor): object {
  return holderOf(x) ?? x.data;
}

/** How many numbers a tensor has; reads none. */
export function lengthOf(x: Tensor): number {
  return sourceOf(x)?.length ?? x.data.length;
}

/** Numbers `start` up to `end` of a tensor, all unless given. Those of a deferred one are read, and not kept. */
export function numbersOf(x: Tensor, start = 0, end = lengthOf(x)): FloatArray {
  return sourceOf(x)?.read(start, end) ?? x.data.subarray(start, end);
}

/**
 * The same numbers as another tensor, of a shape of as many places, without reading them; undefined where they are at
 * hand, or of another precision than is wanted.
 */
export function deferredAs(x: Tensor, dtype: DType, shape: readonly number[]): Tensor | undefined {
  const holder = holderOf(x);
  const isExact = dtype === x.dtype || dtype === 'f32';
  return holder && !holder.kept && isExact ? over(holder, dtype, shape) : undefined;
}
