/**
 * What a program is made of, as data. A kernel is called with tensors and numbers; an *operation* is the kernel's name
 * and the numbers, apart from the tensors. Graphs hold operations, and whoever needs to know something of every kernel
 * (its shape, its cost, how it is lowered, its error, its gradient) keeps a table with one row a kind.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Activation, EntmaxAlpha, Kernels, Padding, WinogradWidth } from '../kernels.ts';

/**
 * The kernels that are operations. `joinedConv2d` is none: it is two convolutions and an addition, and is written down
 * as these.
 */
export type Kind = Exclude<keyof Kernels, 'joinedConv2d'>;

/** What belongs to an operation that is given tensors only. */
export type NoAttributes = Readonly<Record<never, never>>;

/** The part that a slice takes out: from `start` up to `end`, which is not in it. Whole numbers from 0 on. */
export interface SliceAttributes {
  readonly start: number;
  readonly end: number;
}

/** The size of a picture, in pixels. */
export interface SizeAttributes {
  readonly height: number;
  readonly width: number;
}

/** How attention parts its channels: in `heads` heads, which divide them; q kᵀ is multiplied by `scale`, 1/√d. */
export interface HeadAttributes {
  readonly heads: number;
  readonly scale: number;
}

/** A convolution, as its weight's gradient needs to know it. Lengths in pixels. */
export interface KernelAttributes {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly padding: Padding;
}

/** Where the pixels of a picture go in another one, in pixels of that. */
export interface PlaceAttributes extends SizeAttributes {
  /** From one pixel to the next. */
  readonly stride: number;
  /** Of the first pixel. */
  readonly top: number;
  readonly left: number;
}

/** The numbers that belong to each kind, named as in `Kernels`. */
export interface Attributes {
  readonly conv2d: { readonly stride: number; readonly padding: Padding };
  readonly winogradConv2d: { readonly width: WinogradWidth; readonly padding: Padding };
  readonly upsampleConv2d: NoAttributes;
  readonly linear: NoAttributes;
  readonly groupNorm: { readonly groups: number; readonly eps: number };
  readonly layerNorm: { readonly eps: number };
  readonly softmax: NoAttributes;
  readonly entmax: { readonly alpha: EntmaxAlpha };
  readonly limitNorm: { readonly limit: number };
  readonly attentionScores: HeadAttributes;
  readonly attentionMap: HeadAttributes;
  readonly applyAttentionMap: NoAttributes;
  readonly attention: HeadAttributes;
  readonly activation: { readonly activation: Activation };
  readonly upsampleNearest2x: NoAttributes;
  readonly resizeNearest: SizeAttributes;
  readonly averagePool2x: NoAttributes;
  readonly concatChannels: NoAttributes;
  readonly sliceChannels: SliceAttributes;
  readonly concatBatch: NoAttributes;
  readonly sliceBatch: SliceAttributes;
  readonly reshape: { readonly sample: readonly number[] };
  readonly toTokens: NoAttributes;
  readonly fromTokens: SizeAttributes;
  readonly add: NoAttributes;
  readonly subtract: NoAttributes;
  readonly multiply: NoAttributes;
  readonly affine: { readonly factor: number; readonly offset: number };
  readonly divide: { readonly divisor: number };
  readonly conv2dWeightGradient: KernelAttributes & { readonly tileWidth?: WinogradWidth | undefined };
  readonly transposeWeight: NoAttributes;
  readonly transposeMap: NoAttributes;
  readonly placePixels: PlaceAttributes;
  readonly activationDerivative: { readonly activation: Activation };
  readonly groupNormGradient: { readonly groups: number; readonly eps: number };
  readonly groupNormSums: { readonly groups: number; readonly eps: number };
}

/** An operation of one kind. */
export type OperationOf<K extends Kind> = { readonly kind: K } & Attributes[K];

/** An operation: the name of a kernel and the numbers that it is called with. */
export type Operation = { [K in Kind]: OperationOf<K> }[Kind];

/** The extents of a tensor. */
export type Shape = readonly number[];

/** What a kernel was called with: its tensors, in the order of its arguments, and the rest. */
export interface Call<K extends Kind> {
  readonly tensors: readonly Tensor[];
  readonly attributes: Attributes[K];
}

/** What there is to know of one kind. */
export interface Row<K extends Kind> {
  /** The arguments of the kernel, taken apart. */
  read(...given: Parameters<Kernels[K]>): Call<K>;
  /**
   * The shape of the result.
   * @throws InputError when shapes or numbers do not fit together
   */
  shape(attributes: Attributes[K], shapes: readonly Shape[]): Shape;
  /** How many multiplications it does in sums of products, each of which has its addition; none unless given. */
  products?(attributes: Attributes[K], shapes: readonly Shape[]): number;
  /** The kernel, called with them: the inverse of `read`. */
  apply(kernels: Kernels, attributes: Attributes[K], tensors: readonly Tensor[]): Tensor;
}

/** Some rows of the table of operations. */
export type Rows<K extends Kind> = { readonly [Each in K]: Row<Each> };
