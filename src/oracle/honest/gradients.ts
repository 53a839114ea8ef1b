/** What only gradients need, as ports compute it: sums in another order, norms by another formula. */
import { rounding } from '../../kernels/definition/rounding.ts';
import { runOfRows } from '../../kernels/definition/sums.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { allocate, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { transposed } from '../matrix/products.ts';
import { collectPatches, type ProductOf } from './products.ts';
import { stored } from './stored.ts';

/** The gradient of a convolution's weight, sample by sample as a product: gradient [O,P] · patchesᵀ [P,C·kh·kw]. */
export function honestWeightGradient(productOf: ProductOf): Kernels['conv2dWeightGradient'] {
  return (x, gradient, kh, kw, stride, padding) => {
    const [batch, channels, height, width] = x.shape;
    const [, outChannels, outHeight, outWidth] = gradient.shape;
    const [pixels, inner] = [outHeight * outWidth, channels * kh * kw];
    const product = productOf(runOfRows(outWidth));
    const round = rounding(x.dtype);
    const out = allocate(x.dtype, outChannels * inner);
    const patches = allocate(x.dtype, inner * pixels);
    for (let b = 0; b < batch; b++) {
      const size = channels * height * width;
      const picture = { channels, height, width, data: x.data.subarray(b * size, (b + 1) * size) };
      collectPatches(patches, picture, { kh, kw, outHeight, outWidth, stride, padding });
      const own = gradient.data.subarray(b * outChannels * pixels, (b + 1) * outChannels * pixels);
      const sums = product(own, transposed(patches, inner, pixels), outChannels, pixels, inner);
      for (let i = 0; i < out.length; i++) out[i] = round(out[i] + sums[i]);
    }
    return stored(x, [outChannels, channels, kh, kw], out);
  };
}

const f32 = Math.fround;

/**
 * The way back through a group norm as PyTorch's kernels compute it, in single precision: by the sums Σ g and Σ g x of
 * each channel, a · g + b · x + c. Where the mean is large beside the deviation, b · x and c cancel, and so do the sums
 * that the weight gets.
 */
export const singleGroupNormGradients: Pick<Kernels, 'groupNormGradient' | 'groupNormSums'> = {
  groupNormGradient(x, gradient, weight, groups, eps) {
    const [batch, channels] = x.shape;
    const pixels = sizeOf(x.shape.slice(2));
    const [perGroup, size] = [channels / groups, (channels / groups) * pixels];
    const out = allocate(x.dtype, x.data.length);
    for (let start = 0; start < batch * groups * size; start += size) {
      const first = (start / pixels) % channels;
      const { mean, inverse, sums, products } = summedGroup(x, gradient, start, perGroup, eps);
      const weighted = (of: readonly number[]): number =>
        of.reduce((total, one, c) => f32(total + f32(one * weight.data[first + c])), 0);
      const [ofG, ofProducts] = [weighted(sums), weighted(products)];
      const share = f32(f32(f32(inverse * inverse) * inverse) / size);
      const b = f32(f32(f32(ofG * mean) - ofProducts) * share);
      const c = f32(f32(-b * mean) - f32(f32(ofG * inverse) / size));
      for (let i = start; i < start + size; i++) {
        const a = f32(inverse * weight.data[first + Math.floor((i - start) / pixels)]);
        out[i] = f32(f32(f32(a * gradient.data[i]) + f32(b * x.data[i])) + c);
      }
    }
    return stored(x, x.shape, out);
  },

  groupNormSums(x, gradient, groups, eps) {
    const [batch, channels] = x.shape;
    const pixels = sizeOf(x.shape.slice(2));
    const perGroup = channels / groups;
    const out = allocate(x.dtype, 2 * batch * channels);
    for (let b = 0; b < batch; b++) {
      for (let first = 0; first < channels; first += perGroup) {
        const group = summedGroup(x, gradient, (b * channels + first) * pixels, perGroup, eps);
        for (let c = 0; c < perGroup; c++) {
          const of = 2 * b * channels + first + c;
          out[of] = f32(f32(group.products[c] - f32(group.sums[c] * group.mean)) * group.inverse);
          out[of + channels] = group.sums[c];
        }
      }
    }
    return stored(x, [batch, 2 * channels], out);
  },
};

/** Mean and 1/√(variance + eps) of a group, and of each channel Σ g and Σ g x, number by number. */
function summedGroup(x: Tensor, gradient: Tensor, start: number, channels: number, eps: number) {
  const pixels = sizeOf(x.shape.slice(2));
  const size = channels * pixels;
  const sum = (from: number, count: number, f: (i: number) => number): number => {
    let total = 0;
    for (let i = from; i < from + count; i++) total = f32(total + f(i));
    return total;
  };
  const mean = f32(sum(start, size, (i) => x.data[i]) / size);
  const variance = f32(sum(start, size, (i) => f32(f32(x.data[i] - mean) ** 2)) / size);
  const inverse = f32(1 / f32(Math.sqrt(f32(variance + eps))));
  const ofEach = (f: (i: number) => number): readonly number[] =>
    Array.from({ length: channels }, (_, c) => sum(start + c * pixels, pixels, f));
  return {
    mean,
    inverse,
    sums: ofEach((i) => gradient.data[i]),
    products: ofEach((i) => f32(gradient.data[i] * x.data[i])),
  };
}
