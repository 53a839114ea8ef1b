/** Convolutions and linear layers with sums in an order of one's own: as products of matrices. */
import { runLength, runOfChannels } from '../../kernels/definition/sums.ts';
import type { Kernels, Padding } from '../../kernels/kernels.ts';
import { referenceKernels } from '../../kernels/plain/index.ts';
import { evenPadding } from '../../nn/layers.ts';
import { allocate, sizeOf, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { transposed, type Product } from '../matrix/products.ts';
import { stored } from './stored.ts';

/** The product whose sums have runs of so many terms; who adds in another order does not mind. */
export type ProductOf = (run: number) => Product;

type Products = Pick<Kernels, 'conv2d' | 'joinedConv2d' | 'upsampleConv2d' | 'linear'>;

/** The kernels that are products of matrices. */
export function honestProducts(productOf: ProductOf): Products {
  const conv2d: Kernels['conv2d'] = (x, weight, bias, stride, padding) =>
    rounded(convolved(productOf, x, weight, bias, stride, padding));
  return {
    conv2d,
    // As ports do it: they know no seam, and double the picture first.
    joinedConv2d: (x, weight, bias, stride, padding) => conv2d(x, weight, bias, stride, padding),
    upsampleConv2d: (x, weight, bias) => conv2d(referenceKernels.upsampleNearest2x(x), weight, bias, 1, evenPadding(1)),
    linear(x, weight, bias) {
      const [outChannels, channels] = weight.shape;
      const rows = sizeOf(x.shape.slice(0, -1));
      const turned = transposed(weight.data, outChannels, channels);
      const out = productOf(runLength)(x.data, turned, rows, channels, outChannels);
      if (bias) for (let i = 0; i < out.length; i++) out[i] += bias.data[i % outChannels];
      return stored(x, [...x.shape.slice(0, -1), outChannels], out);
    },
  };
}

function rounded(x: Tensor): Tensor {
  return stored(x, x.shape, x.data);
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
  if (bias) for (let i = 0; i < out.length; i++) out[i] += bias.data[Math.floor(i / pixels) % outChannels];
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
function collectPatches(patches: FloatArray, { channels, height, width, data }: Picture, window: Window): void {
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
