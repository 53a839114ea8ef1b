/**
 * Tensors that a perturbation brings along: made once for each shape, so that a backend recognises and packs them once.
 */
import { cast } from '../../tensor/rounding.ts';
import { sizeOf, tensor, type DType, type Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../../kernels/kernels.ts';

/**
 * A function of some extents and a dtype that remembers what it made: asked again, it gives the same tensor.
 * @param fill the numbers of the tensor, in double precision; they are rounded to the dtype
 * @param shapeOf the tensor's shape, where it is not the extents themselves
 */
export function constantOf<Extents extends readonly number[]>(
  fill: (extents: Extents) => Float64Array,
  shapeOf: (extents: Extents) => readonly number[] = (extents) => extents,
): (extents: Extents, dtype: DType) => Tensor {
  const made = new Map<string, Tensor>();
  return (extents, dtype) => {
    const name = `${dtype} ${extents.join(' ')}`;
    const known = made.get(name) ?? cast(tensor('f64', shapeOf(extents), fill(extents)), dtype);
    made.set(name, known);
    return known;
  };
}

/** The extents of the attention maps of one sample: heads, queries, keys. */
export type MapsShape = readonly [h: number, N: number, M: number];

/** The same [h,N,M] for every sample of a [B,h,N,M]: what happens to a sample must not depend on its batch. */
export function forEverySample(one: (shape: MapsShape) => Float64Array): (shape: readonly number[]) => Float64Array {
  return (shape) => {
    const all = new Float64Array(sizeOf(shape));
    const [, heads, queries, keys] = shape as [number, number, number, number];
    const single = one([heads, queries, keys]);
    for (let start = 0; start < all.length; start += single.length) all.set(single, start);
    return all;
  };
}

/**
 * Every token becomes a weighted sum of all tokens, with the same weights everywhere: matrix · x.
 * @param x [B,N,D]
 * @param matrix [N,N]
 * @returns [B,N,D]
 */
export function mixTokens(kernels: Kernels, x: Tensor, matrix: Tensor): Tensor {
  // The tokens go last, where `linear` sums.
  const tokensLast = kernels.fromTokens(x, 1, tokensIn(x));
  return kernels.toTokens(kernels.linear(tokensLast, matrix, undefined));
}

/** N of a [B,N,D]. */
export function tokensIn(x: Tensor): number {
  const [, tokens] = x.shape as [number, number, number];
  return tokens;
}
