/**
 * Operations that move numbers: the gradient goes back where the number came from. Numbers that went to several places
 * get the sum; those that went nowhere, 0.
 */
import { allocate, tensor, type Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../kernels.ts';
import type { Rules } from './rule.ts';
import { zerosLike } from './sums.ts';

/** What is about places and not about numbers; the mean of four pixels alone computes. */
export const arrangement: Rules<
  | 'upsampleNearest2x'
  | 'resizeNearest'
  | 'averagePool2x'
  | 'concatChannels'
  | 'sliceChannels'
  | 'concatBatch'
  | 'sliceBatch'
  | 'reshape'
  | 'toTokens'
  | 'fromTokens'
> = {
  upsampleNearest2x: ({ kernels, gradient }) => [() => kernels.affine(kernels.averagePool2x(gradient), 4, 0)],
  resizeNearest: ({ kernels, inputs: [x], gradient }) => [() => backThroughResizing(kernels, x, gradient)],
  averagePool2x({ kernels, inputs: [x], gradient }) {
    const [, , height, width] = x.shape;
    const quarters = (): Tensor => kernels.affine(kernels.upsampleNearest2x(gradient), 0.25, 0);
    const isEven = height % 2 === 0 && width % 2 === 0;
    return [() => (isEven ? quarters() : kernels.placePixels(quarters(), 1, 0, 0, height, width))];
  },
  concatChannels({ kernels, inputs: [a, b], gradient }) {
    const [, first] = a.shape;
    return [
      () => kernels.sliceChannels(gradient, 0, first),
      () => kernels.sliceChannels(gradient, first, first + b.shape[1]),
    ];
  },
  sliceChannels: ({ kernels, attributes: { start, end }, inputs: [x], gradient }) => [
    () => {
      const [batch, channels, ...picture] = x.shape;
      const zeros = (count: number): Tensor => zerosLike(x, [batch, count, ...picture]);
      const before = start === 0 ? gradient : kernels.concatChannels(zeros(start), gradient);
      return end === channels ? before : kernels.concatChannels(before, zeros(channels - end));
    },
  ],
  concatBatch({ kernels, inputs, gradient }) {
    const ends = inputs.map((_, i) => inputs.slice(0, i + 1).reduce((samples, { shape }) => samples + shape[0], 0));
    return inputs.map(
      ({ shape }, i) =>
        () =>
          kernels.sliceBatch(gradient, ends[i] - shape[0], ends[i]),
    );
  },
  sliceBatch: ({ kernels, attributes: { start, end }, inputs: [x], gradient }) => [
    () => {
      const [batch, ...sample] = x.shape;
      const zeros = (count: number): readonly Tensor[] => (count === 0 ? [] : [zerosLike(x, [count, ...sample])]);
      return kernels.concatBatch([...zeros(start), gradient, ...zeros(batch - end)]);
    },
  ],
  reshape: ({ kernels, inputs: [x], gradient }) => [() => kernels.reshape(gradient, x.shape.slice(1))],
  toTokens: ({ kernels, inputs: [x], gradient }) => [() => kernels.fromTokens(gradient, x.shape[2], x.shape[3])],
  fromTokens: ({ kernels, gradient }) => [() => kernels.toTokens(gradient)],
};

/**
 * To each pixel the gradients of all its copies: a matrix of zeros and ones, first down the columns, then along the
 * rows. What a matrix is applied to stands last in its turn.
 */
function backThroughResizing(kernels: Kernels, x: Tensor, gradient: Tensor): Tensor {
  const [, channels, height, width] = x.shape;
  const [, , fromHeight, fromWidth] = gradient.shape;
  const rows = kernels.reshape(kernels.toTokens(gradient), [fromHeight, fromWidth * channels]);
  const columns = kernels.reshape(kernels.fromTokens(rows, fromHeight, 1), [fromWidth * channels, fromHeight]);
  const gathered = kernels.linear(columns, copies(x, height, fromHeight), undefined);
  const lines = kernels.reshape(gathered, [fromWidth, channels * height]);
  const pixels = kernels.reshape(kernels.fromTokens(lines, fromWidth, 1), [channels, height, fromWidth]);
  return kernels.linear(pixels, copies(x, width, fromWidth), undefined);
}

/** [size,from], row-major: 1 where a pixel of `from` is a copy of one of `size`. */
function copies({ dtype }: Tensor, size: number, from: number): Tensor {
  const data = allocate(dtype, size * from);
  for (let i = 0; i < from; i++) data[Math.floor((i * size) / from) * from + i] = 1;
  return tensor(dtype, [size, from], data);
}
