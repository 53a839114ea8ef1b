/** The reference's kernels with quick products: the bits of the plain loops, in every precision. */
import type { Kernels, Padding } from '../../kernels/kernels.ts';
import { checked } from '../../kernels/operations/index.ts';
import { referenceKernels } from '../../kernels/plain/index.ts';
import { sliceChannels } from '../../kernels/plain/rearrange.ts';
import { phases, phaseWeight, type Phase } from '../../kernels/plain/upsample-conv2d.ts';
import { allocate } from '../../tensor/tensor.ts';
import { honestAttention } from '../honest/attention.ts';
import { convolved, honestProducts } from '../honest/products.ts';
import { stored } from '../honest/stored.ts';
import { productInRuns } from './products.ts';

/** As definition/joined-conv2d: the two parts meet before they are rounded. */
const joinedConv2d: Kernels['joinedConv2d'] = (x, weight, bias, stride, padding, seam) => {
  const part = (start: number, end: number, offset: typeof bias) =>
    convolved(productInRuns, sliceChannels(x, start, end), sliceChannels(weight, start, end), offset, stride, padding);
  const [first, second] = [part(0, seam, bias), part(seam, x.shape[1], undefined)];
  for (let i = 0; i < first.data.length; i++) first.data[i] += second.data[i];
  return stored(x, first.shape, first.data);
};

/** As plain/upsample-conv2d: four convolutions of the picture itself. */
const upsampleConv2d: Kernels['upsampleConv2d'] = (x, weight, bias) => {
  const [batch, , height, width] = x.shape;
  const [outChannels] = weight.shape;
  const out = allocate(x.dtype, 4 * batch * outChannels * height * width);
  for (const phase of phases) {
    const part = convolved(productInRuns, x, phaseWeight(weight, phase), bias, 1, paddingOf(phase)).data;
    for (let row = 0; row < batch * outChannels * height; row++) {
      const to = (2 * row + phase.row) * 2 * width + phase.column;
      for (let column = 0; column < width; column++) out[to + 2 * column] = part[row * width + column];
    }
  }
  return stored(x, [batch, outChannels, 2 * height, 2 * width], out);
};

function paddingOf({ row, column }: Phase): Padding {
  return { top: 1 - row, bottom: row, left: 1 - column, right: column };
}

/** The plain loops, but for products. */
export const quickKernels: Kernels = checked({
  ...referenceKernels,
  ...honestProducts(productInRuns),
  ...honestAttention(productInRuns, {}),
  joinedConv2d,
  upsampleConv2d,
});
