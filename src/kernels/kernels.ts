/**
 * The operations from which every layer is made. One interface, several implementations that give the
 * same bits: `definition/` says what they are, loop by loop; `plain/` are quicker loops, `simd/` the fast ones.
 *
 * Dimensions, here and in every kernel: B batch, C channels in, O channels out, H × W picture,
 * N tokens (N = H·W), D channels of a token, h attention heads, d = D / h channels of a head.
 */
import { withMethods, type Check } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Zero padding in pixels. */
export interface Padding {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** The activation functions: those of a diffusers config (`act_fn`), and two that other models have. */
export const activations = ['silu', 'gelu', 'mish', 'relu', 'quick_gelu', 'tanh'] as const;

/**
 * One of them: `silu` x · sigmoid(x), also called swish; `gelu` x · Φ(x), the exact form, not the one with tanh; `mish`
 * x · tanh(ln(1 + eˣ)); `relu` max(0, x); `quick_gelu` x · sigmoid(1.702 x), as the first CLIP has it; `tanh`.
 */
export type Activation = (typeof activations)[number];

/** α of α-entmax: 1.5, or 2, which is sparsemax. */
export type EntmaxAlpha = 1.5 | 2;

/** Outputs side by side in a tile of a Winograd convolution, which is two outputs high. */
export type WinogradWidth = 2 | 4;

/**
 * The operations. All tensors of a call have one dtype, which is that of the result: each sum is computed as the
 * definition says, and what it stores is rounded to the dtype. No kernel changes what it is given.
 *
 * Every kernel throws an InputError when the shapes, dtypes or numbers that it is given do not fit together.
 */
export interface Kernels {
  /**
   * torch.nn.functional.conv2d: x [B,C,H,W] ⋆ weight [O,C,kh,kw] + bias [O] → [B,O,H′,W′],
   * H′ = ⌊(H + top + bottom − kh)/stride⌋ + 1. The stride is that of both directions, in pixels.
   */
  conv2d(x: Tensor, weight: Tensor, bias: Tensor | undefined, stride: number, padding: Padding): Tensor;
  /**
   * conv2d of a kernel of 3 × 3 with a stride of 1, by Winograd's F(2×width, 3×3): x [B,C,H,W] ⋆ weight [O,C,3,3] +
   * bias [O] → [B,O,H′,W′]. `width` is 2 or 4. In exact numbers the same, with 4 or 3 products an output instead of 9.
   */
  winogradConv2d(x: Tensor, weight: Tensor, bias: Tensor | undefined, width: WinogradWidth, padding: Padding): Tensor;
  /**
   * conv2d of two pictures joined at channel `seam`, 0 < seam < C, each summed apart: (Σ first + bias) + Σ second. So
   * the second sum is a value of its own, which need not be computed again for another first picture.
   */
  joinedConv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | undefined,
    stride: number,
    padding: Padding,
    seam: number,
  ): Tensor;
  /** torch.nn.functional.linear: x [… ,C] · weightᵀ, weight [O,C], + bias [O] → [… ,O]. */
  linear(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor;
  /**
   * torch.nn.functional.group_norm: x [B,C,…], each of `groups` groups of C/groups channels to mean 0 and variance 1,
   * (x − mean)/√(variance + eps); then · weight [C] + bias [C], channel by channel.
   */
  groupNorm(x: Tensor, groups: number, weight: Tensor, bias: Tensor, eps: number): Tensor;
  /**
   * torch.nn.functional.layer_norm: x [… ,C], each row to mean 0 and variance 1; then · weight [C] + bias [C].
   */
  layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor;
  /** Softmax over the last dimension: eˣ / Σ eˣ, with the largest x of the row taken off first. */
  softmax(x: Tensor): Tensor;
  /**
   * Sparse softmax over the last dimension, α-entmax of α = 1.5 or 2 (sparsemax): shares of sum 1 as those of softmax,
   * but those of small x are exactly 0.
   */
  entmax(x: Tensor, alpha: EntmaxAlpha): Tensor;
  /** x [… ,N], each row scaled down to at most `limit` times the L1 norm of its row of `like` [… ,N]. */
  limitNorm(x: Tensor, like: Tensor, limit: number): Tensor;
  /** q kᵀ · scale per head, without its softmax: q [B,N,D], k [B,M,D] → [B,h,N,M]. What is masked adds a mask to it. */
  attentionScores(q: Tensor, k: Tensor, heads: number, scale: number): Tensor;
  /** softmax(q kᵀ · scale) per head: q [B,N,D], k [B,M,D] → [B,h,N,M]. */
  attentionMap(q: Tensor, k: Tensor, heads: number, scale: number): Tensor;
  /** map [B,h,N,M] · v [B,M,D] per head → [B,N,D]. */
  applyAttentionMap(map: Tensor, v: Tensor): Tensor;
  /** applyAttentionMap(attentionMap(q, k), v), the map never held whole. The same bits. */
  attention(q: Tensor, k: Tensor, v: Tensor, heads: number, scale: number): Tensor;
  /** An activation function, element by element. */
  activation(x: Tensor, kind: Activation): Tensor;
  /** x [B,C,H,W] → [B,C,2H,2W], each pixel four times. */
  upsampleNearest2x(x: Tensor): Tensor;
  /** x [B,C,H,W] → [B,C,height,width]: pixel (y, x) is pixel (⌊y·H/height⌋, ⌊x·W/width⌋) of the picture. */
  resizeNearest(x: Tensor, height: number, width: number): Tensor;
  /**
   * conv2d(upsampleNearest2x(x), weight [O,C,3,3], bias [O], 1, one pixel on each side) → [B,O,2H,2W], with what meets
   * the same pixel added up first.
   */
  upsampleConv2d(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor;
  /** x [B,C,H,W] → [B,C,⌊H/2⌋,⌊W/2⌋], the mean of 2 × 2 pixels. */
  averagePool2x(x: Tensor): Tensor;
  /** a [B,C₁,…], b [B,C₂,…] → [B,C₁+C₂,…], the channels of a first. */
  concatChannels(a: Tensor, b: Tensor): Tensor;
  /** The channels from `start` up to `end`, which is not among them: x [B,C,…] → [B,end−start,…]. */
  sliceChannels(x: Tensor, start: number, end: number): Tensor;
  /** The tensors one after another along the batch: [B₁,…], [B₂,…] … → [B₁+B₂+…,…]. */
  concatBatch(parts: readonly Tensor[]): Tensor;
  /** The samples from `start` up to `end`, which is not among them: x [B,…] → [end−start,…]. */
  sliceBatch(x: Tensor, start: number, end: number): Tensor;
  /** x [B,…] → [B,…sample]: the numbers of each sample in the same order under another shape, of as many. */
  reshape(x: Tensor, sample: readonly number[]): Tensor;
  /** x [B,C,H,W] → tokens [B,H·W,C], row by row of the picture. */
  toTokens(x: Tensor): Tensor;
  /** The way back: tokens [B,H·W,C] → [B,C,H,W]. */
  fromTokens(x: Tensor, height: number, width: number): Tensor;
  /** a + b, of a's shape. b has it too, or is [B,C] and spreads over the pixels of a [B,C,H,W]. */
  add(a: Tensor, b: Tensor): Tensor;
  /** a − b, of one shape. */
  subtract(a: Tensor, b: Tensor): Tensor;
  /** a · b, with the shapes that `add` allows. */
  multiply(a: Tensor, b: Tensor): Tensor;
  /** x · factor + offset, two roundings; both numbers are first rounded to f32, unless x is of f64. */
  affine(x: Tensor, factor: number, offset: number): Tensor;
  /** x / divisor. */
  divide(x: Tensor, divisor: number): Tensor;
  /**
   * What the weight of a conv2d adds to a loss, of its gradient [B,O,H′,W′]: x [B,C,H,W] → [O,C,kh,kw]. Stride and
   * padding are those of the convolution. With tiles, for a kernel of 3 × 3 and a stride of 1, in fewer products; these
   * are the bits of a definition of their own.
   */
  conv2dWeightGradient(
    x: Tensor,
    gradient: Tensor,
    kernelHeight: number,
    kernelWidth: number,
    stride: number,
    padding: Padding,
    tileWidth?: WinogradWidth,
  ): Tensor;
  /**
   * The weight of the way back: [O,C,…] → [C,O,…], of a convolution with each kernel turned by half a turn. Of a matrix
   * that is its transpose.
   */
  transposeWeight(weight: Tensor): Tensor;
  /** Who is listened to by whom: an attention map, or its scores, [B,h,N,M] → [B,h,M,N]. */
  transposeMap(map: Tensor): Tensor;
  /**
   * x [B,C,H,W] → [B,C,height,width]: pixel (y, x) goes to (top + y·stride, left + x·stride), where there is one; all
   * others are 0. `top` and `left` may be negative.
   */
  placePixels(x: Tensor, stride: number, top: number, left: number, height: number, width: number): Tensor;
  /** The derivative of an activation function, element by element. */
  activationDerivative(x: Tensor, kind: Activation): Tensor;
  /**
   * ∂L/∂x of a groupNorm with weight [C], of its gradient: x and gradient [B,C,…], of that shape the result. With g′ =
   * gradient · weight and x̂ the normed x it is (g′ − mean(g′) − x̂ · mean(g′·x̂))/√(variance + eps), group by group.
   */
  groupNormGradient(x: Tensor, gradient: Tensor, weight: Tensor, groups: number, eps: number): Tensor;
  /**
   * What weight and bias of a groupNorm add to a loss, sample by sample: x and gradient [B,C,…] → [B,2C], of each
   * channel Σ gradient·x̂, and behind these of each Σ gradient.
   */
  groupNormSums(x: Tensor, gradient: Tensor, groups: number, eps: number): Tensor;
}

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/**
 * The tensor of that name.
 * @throws InputError when there is none
 */
export function tensorOf(tensors: Tensors, name: string): Tensor {
  if (Object.hasOwn(tensors, name)) return tensors[name];
  throw new InputError(`there is no tensor "${name}"; there are ${Object.keys(tensors).join(', ')}`);
}

/**
 * A pure function from tensors to tensors, written in terms of `Kernels`. It may look at shapes but not at values,
 * and calls the same kernels for the same shapes; all else that it needs (weights, selections) it closes over.
 */
export type Program = (kernels: Kernels, inputs: Tensors) => Tensors;

/** Something that runs programs: with the plain loops, or with WebAssembly SIMD on one or more threads. */
export interface Backend {
  /** What reports call it, as `simd`. */
  readonly name: string;
  /**
   * The program's outputs. They belong to the caller and never change.
   * @throws InputError when the program asks kernels for what does not fit together
   */
  run(program: Program, inputs: Tensors): Tensors;
  /** Gives up what it keeps for programs that it has run, as their weights: it makes them ready again if it must. */
  release?(): void;
  /** Frees what the backend holds (memory, threads). Safe to call twice. */
  dispose(): void;
}

/** A backend, and not the name of one. */
export const aBackend: Check = withMethods<Backend>('a Backend, as simdBackend() or referenceBackend()', 'run');
