/**
 * Random tensors for property tests: small and odd shapes, values that are harmless or as awkward as a dtype has them.
 */
import fc from 'fast-check';
import { roundInPlace } from '../../src/tensor/rounding.ts';
import { allocate, sizeOf, tensor, type DType, type Tensor } from '../../src/tensor/tensor.ts';
import type { Padding, WinogradWidth } from '../../src/kernels/kernels.ts';

/**
 * - `moderate`: in [−4, 4], zeros of both signs among them; nothing overflows or becomes subnormal.
 * - `any`: also infinities, NaN, subnormals, and the largest and smallest numbers of float32. Of half of the tensors
 *   they are one number in 13, of the others one in 150, so that sums of many terms are not all NaN.
 */
export type Values = 'moderate' | 'any';

const simple = [0, -0, 1, -1];
const awkward = [
  ...[Infinity, -Infinity, NaN, -0, 1e-42, -1e-40],
  ...[2 ** -149, 2 ** -126, 3.4e38, -3.4e38, 65504, 6e-8],
];

/**
 * A tensor of this shape; its values are rounded to the dtype. They come from a seed: a number each would cost a test
 * more time than the kernels do. What fails is made smaller by its shape.
 */
export function tensors(dtype: DType, shape: readonly number[], values: Values = 'moderate'): fc.Arbitrary<Tensor> {
  const seed = fc.noShrink(fc.noBias(fc.integer({ min: 0, max: 2 ** 32 - 1 })));
  return seed.map((start) => {
    const random = naturals(start);
    const rarity = random() % 2 === 0 ? 13 : 150;
    const data = allocate(dtype, sizeOf(shape));
    for (let i = 0; i < data.length; i++) {
      if (values === 'any' && random() % rarity === 0) data[i] = awkward[random() % awkward.length];
      else if (random() % 13 === 0) data[i] = simple[random() % simple.length];
      else data[i] = ((random() % (2 ** 23 + 1)) - 2 ** 22) * 2 ** -20;
    }
    roundInPlace(dtype, data);
    return tensor(dtype, shape, data);
  });
}

/** Random numbers of 32 bits (mulberry32). */
function naturals(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (bits ^ (bits >>> 14)) >>> 0;
  };
}

/** A tensor of one number, again and again. */
export function filled(dtype: DType, shape: readonly number[], value: number): Tensor {
  return tensor(dtype, shape, allocate(dtype, sizeOf(shape)).fill(value));
}

/** Moderate tensors of these shapes. */
export function several(dtype: DType, ...all: readonly (readonly number[])[]): fc.Arbitrary<Tensor[]> {
  return fc.tuple(...all.map((shape) => tensors(dtype, shape))) as fc.Arbitrary<Tensor[]>;
}

/** An extent from 1 to `max`. */
export function extent(max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max });
}

/** A shape with extents from 1 up to those of `limits`. */
export function shapes(...limits: readonly number[]): fc.Arbitrary<number[]> {
  return fc.tuple(...limits.map(extent)) as fc.Arbitrary<number[]>;
}

/** A picture [B,C,H,W] that is small and rarely square. */
export function pictures(dtype: DType, values: Values = 'moderate'): fc.Arbitrary<Tensor> {
  return shapes(3, 5, 7, 7).chain((shape) => tensors(dtype, shape, values));
}

export interface Convolution {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly stride: number;
  readonly padding: Padding;
}

const pixels = fc.nat({ max: 2 });
/** Zeros around a picture, uneven: none, one or two on each side. */
export const paddings: fc.Arbitrary<Padding> = fc.record({ top: pixels, bottom: pixels, left: pixels, right: pixels });

/** A convolution whose kernel, up to 5 × 5 and rarely square, fits into the picture with its uneven padding. */
export function convolutions(dtype: DType, values: Values = 'moderate'): fc.Arbitrary<Convolution> {
  return fc
    .tuple(shapes(3, 12, 8, 8), shapes(6, 5, 5), paddings, fc.boolean(), extent(2))
    .map(([shape, [outChannels, kernelHeight, kernelWidth], around, withBias, stride]) => {
      // A kernel that is too large for the picture is cut down to it.
      const kernel = [
        Math.min(kernelHeight, shape[2] + around.top + around.bottom),
        Math.min(kernelWidth, shape[3] + around.left + around.right),
      ];
      return { shape, weightShape: [outChannels, shape[1], ...kernel], padding: around, withBias, stride };
    })
    .chain((choice) =>
      fc.record({
        x: tensors(dtype, choice.shape, values),
        weight: tensors(dtype, choice.weightShape, values),
        bias: choice.withBias ? tensors(dtype, [choice.weightShape[0]], values) : fc.constant(undefined),
        stride: fc.constant(choice.stride),
        padding: fc.constant(choice.padding),
      }),
    );
}

/** A convolution by 3 × 3 with a stride of 1, of tiles that are so wide. */
export function winogradConvolutions(
  dtype: DType,
  values: Values = 'moderate',
): fc.Arbitrary<Omit<Convolution, 'stride'> & { readonly width: WinogradWidth }> {
  return fc
    .tuple(shapes(2, 20, 7, 19), extent(19), paddings, fc.boolean(), fc.constantFrom<WinogradWidth>(2, 4))
    .filter(
      ([[, , height, width], , { top, bottom, left, right }]) => height + top + bottom > 2 && width + left + right > 2,
    )
    .chain(([shape, outChannels, around, withBias, width]) =>
      fc.record({
        x: tensors(dtype, shape, values),
        weight: tensors(dtype, [outChannels, shape[1], 3, 3], values),
        bias: withBias ? tensors(dtype, [outChannels], values) : fc.constant(undefined),
        padding: fc.constant(around),
        width: fc.constant(width),
      }),
    );
}

/** A convolution of two pictures, joined at a seam. */
export function joinedConvolutions(
  dtype: DType,
  values: Values = 'moderate',
): fc.Arbitrary<Convolution & { readonly seam: number }> {
  return convolutions(dtype, values)
    .filter(({ x }) => x.shape[1] > 1)
    .chain((choice) => extent(choice.x.shape[1] - 1).map((seam) => ({ ...choice, seam })));
}

/** A picture, and a kernel of 3 × 3 that will see it doubled. */
export function doubledConvolutions(
  dtype: DType,
  values: Values = 'moderate',
): fc.Arbitrary<Pick<Convolution, 'x' | 'weight' | 'bias'>> {
  return fc.tuple(shapes(2, 20, 5, 9), extent(10), fc.boolean()).chain(([shape, outChannels, withBias]) =>
    fc.record({
      x: tensors(dtype, shape, values),
      weight: tensors(dtype, [outChannels, shape[1], 3, 3], values),
      bias: withBias ? tensors(dtype, [outChannels], values) : fc.constant(undefined),
    }),
  );
}

export interface Attention {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly heads: number;
  readonly scale: number;
}

/**
 * Queries, keys and values of up to three heads, with as many keys as queries or not: more queries, and more keys, than
 * are handled at a time.
 */
export function attentions(dtype: DType, values: Values = 'moderate'): fc.Arbitrary<Attention> {
  const tokens = fc.oneof({ weight: 4, arbitrary: extent(6) }, { weight: 1, arbitrary: extent(70) });
  return fc.tuple(extent(2), tokens, tokens, extent(3), extent(5)).chain(([batch, queries, keys, heads, size]) =>
    fc.record({
      q: tensors(dtype, [batch, queries, heads * size], values),
      k: tensors(dtype, [batch, keys, heads * size], values),
      v: tensors(dtype, [batch, keys, heads * size], values),
      heads: fc.constant(heads),
      scale: fc.constant(1 / Math.sqrt(size)),
    }),
  );
}

export interface Linear {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
}

/** x [R,C], weight [O,C], bias [O] or none; C often greater than a run of the sum. */
export function linears(dtype: DType, values: Values = 'moderate'): fc.Arbitrary<Linear> {
  return fc
    .tuple(extent(9), fc.oneof(extent(9), extent(150)), extent(9), fc.boolean())
    .chain(([rows, channels, outChannels, withBias]) =>
      fc.record({
        x: tensors(dtype, [rows, channels], values),
        weight: tensors(dtype, [outChannels, channels], values),
        bias: withBias ? tensors(dtype, [outChannels], values) : fc.constant(undefined),
      }),
    );
}

export interface Norm {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** x [B,C,H,W] in up to three groups, weight and bias [C]. */
export function groupNorms(
  dtype: DType,
  values: Values = 'moderate',
  narrowest = 1,
): fc.Arbitrary<Norm & { readonly groups: number }> {
  return fc
    .tuple(shapes(2, 3, 3), fc.tuple(extent(6), fc.integer({ min: narrowest, max: 6 })))
    .chain(([[batch, groups, perGroup], [height, width]]) =>
      fc.record({
        x: tensors(dtype, [batch, groups * perGroup, height, width], values),
        groups: fc.constant(groups),
        weight: tensors(dtype, [groups * perGroup]),
        bias: tensors(dtype, [groups * perGroup]),
      }),
    );
}

/** x [R,C], weight and bias [C]. */
export function layerNorms(dtype: DType, values: Values = 'moderate'): fc.Arbitrary<Norm> {
  return shapes(4, 40).chain(([rows, channels]) =>
    fc.record({
      x: tensors(dtype, [rows, channels], values),
      weight: tensors(dtype, [channels]),
      bias: tensors(dtype, [channels]),
    }),
  );
}

/** Two pictures of one shape, and a number for each of their channels [B,C]. */
export function pairs(
  dtype: DType,
  values: Values = 'moderate',
): fc.Arbitrary<{ readonly a: Tensor; readonly b: Tensor; readonly perChannel: Tensor }> {
  return shapes(3, 5, 4, 4).chain((shape) =>
    fc.record({
      a: tensors(dtype, shape, values),
      b: tensors(dtype, shape, values),
      perChannel: tensors(dtype, shape.slice(0, 2), values),
    }),
  );
}
