/** Convolutions and linear layers with sums in an order of one's own: as products of rows with rows. */
import type { Kernels } from '../../kernels/kernels.ts';
import { referenceKernels } from '../../kernels/plain/index.ts';
import { evenPadding } from '../../nn/layers.ts';
import { allocate, sizeOf, type FloatArray } from '../../tensor/tensor.ts';
import type { Dot } from './dot.ts';
import { stored } from './stored.ts';

/** a [rows, inner] times b [columns, inner] transposed → [rows, columns]. */
export type RowsByRows = (a: FloatArray, b: FloatArray, rows: number, columns: number, inner: number) => Float32Array;

/** The product of rows by rows whose sums are those of `dot`, of numbers that `multiplicand` has rounded. */
export function rowsByRowsOf(dot: Dot, multiplicand: (values: FloatArray) => FloatArray): RowsByRows {
  return (a, b, rows, columns, inner) => {
    const [left, right] = [multiplicand(a), multiplicand(b)];
    const out = new Float32Array(rows * columns);
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) out[r * columns + c] = dot(left, r * inner, right, c * inner, inner);
    return out;
  };
}

type Products = Pick<Kernels, 'conv2d' | 'joinedConv2d' | 'upsampleConv2d' | 'linear'>;

/** The kernels that are products of rows by rows. */
export function honestProducts(rowsByRows: RowsByRows): Products {
  const conv2d: Kernels['conv2d'] = (x, weight, bias, stride, padding) => {
    const [batch, channels, height, width] = x.shape;
    const [outChannels, , kh, kw] = weight.shape;
    const outHeight = Math.floor((height + padding.top + padding.bottom - kh) / stride) + 1;
    const outWidth = Math.floor((width + padding.left + padding.right - kw) / stride) + 1;
    const [pixels, inner] = [outHeight * outWidth, channels * kh * kw];
    const out = allocate(x.dtype, batch * outChannels * pixels);
    for (let b = 0; b < batch; b++) {
      const patches = new Float32Array(pixels * inner);
      let at = 0;
      for (let y = 0; y < outHeight; y++)
        for (let column = 0; column < outWidth; column++)
          for (let c = 0; c < channels; c++)
            for (let i = 0; i < kh; i++)
              for (let j = 0; j < kw; j++, at++) {
                const [row, place] = [y * stride + i - padding.top, column * stride + j - padding.left];
                if (row >= 0 && row < height && place >= 0 && place < width)
                  patches[at] = x.data[((b * channels + c) * height + row) * width + place];
              }
      const sums = rowsByRows(weight.data, patches, outChannels, pixels, inner);
      for (let i = 0; i < sums.length; i++)
        out[b * sums.length + i] = sums[i] + (bias ? bias.data[Math.floor(i / pixels)] : 0);
    }
    return stored(x, [batch, outChannels, outHeight, outWidth], out);
  };
  return {
    conv2d,
    // As ports do it: they know no seam, and double the picture first.
    joinedConv2d: (x, weight, bias, stride, padding) => conv2d(x, weight, bias, stride, padding),
    upsampleConv2d: (x, weight, bias) => conv2d(referenceKernels.upsampleNearest2x(x), weight, bias, 1, evenPadding(1)),
    linear(x, weight, bias) {
      const [outChannels, channels] = weight.shape;
      const rows = sizeOf(x.shape.slice(0, -1));
      const out = rowsByRows(x.data, weight.data, rows, outChannels, channels);
      if (bias) for (let i = 0; i < out.length; i++) out[i] += bias.data[i % outChannels];
      return stored(x, [...x.shape.slice(0, -1), outChannels], out);
    },
  };
}
