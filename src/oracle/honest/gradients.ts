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
 * a group, a · g + b · x + c. Where the mean is large beside the deviation, b · x and c cancel.
 */
export function summedGroupNormGradient(x: Tensor, gradient: Tensor, groups: number, eps: number): Tensor {
  const [batch, channels] = x.shape;
  const size = (channels / groups) * sizeOf(x.shape.slice(2));
  const out = allocate(x.dtype, x.data.length);
  const sum = (f: (i: number) => number): number => {
    let total = 0;
    for (let i = 0; i < size; i++) total = f32(total + f(i));
    return total;
  };
  for (let start = 0; start < batch * groups * size; start += size) {
    const mean = f32(sum((i) => x.data[start + i]) / size);
    const variance = f32(sum((i) => f32(f32(x.data[start + i] - mean) ** 2)) / size);
    const inverse = f32(1 / f32(Math.sqrt(f32(variance + eps))));
    const ofG = sum((i) => gradient.data[start + i]);
    const ofProducts = sum((i) => f32(gradient.data[start + i] * x.data[start + i]));
    const share = f32(f32(inverse * inverse) * inverse) / size;
    const b = f32(f32(f32(ofG * mean) - ofProducts) * f32(share));
    const c = f32(f32(-b * mean) - f32(f32(ofG * inverse) / size));
    for (let i = start; i < start + size; i++)
      out[i] = f32(f32(f32(inverse * gradient.data[i]) + f32(b * x.data[i])) + c);
  }
  return stored(x, x.shape, out);
}
