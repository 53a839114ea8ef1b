/** Convolutions and linear layers with sums in an order of one's own: as products of matrices. */
import { runLength, runOfChannels } from '../../kernels/definition/sums.ts';
import type { Kernels, Padding, WinogradWidth } from '../../kernels/kernels.ts';
import { referenceKernels } from '../../kernels/plain/index.ts';
import { winogradSums, winogradWeights } from '../../kernels/plain/winograd-conv2d.ts';
import { evenPadding } from '../../nn/layers.ts';
import { allocate, sizeOf, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { transposed, type Product } from '../matrix/products.ts';
import { stored } from './stored.ts';

/** The product whose sums have runs of so many terms; who adds in another order does not mind. */
export type ProductOf = (run: number) => Product;

type Products = Pick<Kernels, 'conv2d' | 'winogradConv2d' | 'joinedConv2d' | 'upsampleConv2d' | 'linear'>;

/** In what ports may differ when they convolve; by default they do as the reference does. */
export interface ConvolutionArithmetic {
  /** A bias is added by an operation of its own: what it is added to has been stored. */
  readonly biasApart?: boolean;
  /** Kernels of 3 × 3 with a stride of 1 by Winograd's F(2×2, 3×3) or F(2×4, 3×3). */
  readonly winograd?: WinogradWidth;
}

/** The kernels that are products of matrices. */
export function honestProducts(
  productOf: ProductOf,
  { biasApart = false, winograd }: ConvolutionArithmetic = {},
): Products {
  const winogradConv2d: Kernels['winogradConv2d'] = (x, weight, bias, width, padding) => {
    const sums = winogradSums(x, winogradWeights(weight, width), width, padding, productOf(runLength));
    return withBias(sums, bias, sums.shape[2] * sums.shape[3], biasApart);
  };
  const conv2d: Kernels['conv2d'] = (x, weight, bias, stride, padding) => {
    const [, , kh, kw] = weight.shape;
    if (winograd && stride === 1 && kh === 3 && kw === 3) return winogradConv2d(x, weight, bias, winograd, padding);
    const sums = convolved(productOf, x, weight, undefined, stride, padding);
    return withBias(sums, bias, sums.shape[2] * sums.shape[3], biasApart);
  };
  return {
    conv2d,
    winogradConv2d,
    // As ports do it: they know no seam, and double the picture first.
    joinedConv2d: (x, weight, bias, stride, padding) => conv2d(x, weight, bias, stride, padding),
    upsampleConv2d: (x, weight, bias) => conv2d(referenceKernels.upsampleNearest2x(x), weight, bias, 1, evenPadding(1)),
    linear(x, weight, bias) {
      const [outChannels, channels] = weight.shape;
      const rows = sizeOf(x.shape.slice(0, -1));
      const turned = transposed(weight.data, outChannels, channels);
      const data = productOf(runLength)(x.data, turned, rows, channels, outChannels);
      return withBias({ dtype: x.dtype, shape: [...x.shape.slice(0, -1), outChannels], data }, bias, 1, biasApart);
    },
  };
}

/**
 * Sums that are not yet rounded, and a bias for each `run` of them, stored.
 * @param apart whether the sums are stored before the bias is added
 */
function withBias(sums: Tensor, bias: Tensor | undefined, run: number, apart: boolean): Tensor {
  if (apart) stored(sums, sums.shape, sums.data);
  addBias(sums.data, bias, run);
  return stored(sums, sums.shape, sums.data);
}

function addBias(sums: FloatArray, bias: Tensor | undefined, run: number): void {
  if (!bias) return;
  for (let start = 0, b = 0; start < sums.length; start += run, b = (b + 1) % bias.data.length)
    for (let i = start; i < start + run; i++) sums[i] += bias.data[b];
}

/** A convolution that is not yet rounded to what is stored. */
export function convolved(
  productOf: ProductOf,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  stride: number,
  padding: Padding,
): Tensor {
  const [batch, channels, height, width] = x.shape;
  const [outChannels, , kh, kw] = weight.shape;
  const outHeight = Math.floor((height + padding.top + padding.bottom - kh) / stride) + 1;
  const outWidth = Math.floor((width + padding.left + padding.right - kw) / stride) + 1;
  const [pixels, inner] = [outHeight * outWidth, channels * kh * kw];
  const product = productOf(runOfChannels(kh, kw));
  const out = allocate(x.dtype, batch * outChannels * pixels);
  const patches = allocate(x.dtype, inner * pixels);
  const size = channels * height * width;
  for (let b = 0; b < batch; b++) {
    collectPatches(
      patches,
      { channels, height, width, data: x.data.subarray(b * size, (b + 1) * size) },
      {
        kh,
        kw,
        outHeight,
        outWidth,
        stride,
        padding,
      },
    );
    const sums = product(weight.data, patches, outChannels, inner, pixels);
    out.set(sums, b * sums.length);
  }
  addBias(out, bias, pixels);
  return { dtype: x.dtype, shape: [batch, outChannels, outHeight, outWidth], data: out };
}

interface Picture {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: FloatArray;
}

interface Window {
  readonly kh: number;
  readonly kw: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly stride: number;
  readonly padding: Padding;
}

/** patches[(c,i,j), (row,column)] = the padded picture at (c, row·stride + i, column·stride + j). */
export function collectPatches(patches: FloatArray, { channels, height, width, data }: Picture, window: Window): void {
  const { kh, kw, outHeight, outWidth, stride, padding } = window;
  let at = 0;
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < kh; i++)
      for (let j = 0; j < kw; j++)
        for (let row = 0; row < outHeight; row++) {
          const y = row * stride + i - padding.top;
          const line = (c * height + y) * width - padding.left + j;
          for (let column = 0; column < outWidth; column++, at++) {
            const place = column * stride + j - padding.left;
            const isInside = y >= 0 && y < height && place >= 0 && place < width;
            patches[at] = isInside ? data[line + column * stride] : 0;
          }
        }
}
