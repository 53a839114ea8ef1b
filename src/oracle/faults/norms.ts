/** Mistakes in norms that are more than a wrong formula for the moments of a group. */
import { tensor, type Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { permuted } from '../align.ts';
import { filled, groupNormEps, inKernels, inKernelsOf, type Fault } from './fault.ts';

/** [B,C,P] with samples and channels exchanged, as the shape that is given. */
function exchanged(x: Tensor, first: number, second: number, shape: readonly number[]): Tensor {
  const rest = x.data.length / (first * second);
  return { ...permuted(tensor(x.dtype, [first, second, rest], x.data), [1, 0, 2]), shape };
}

/** Moments over the whole batch. */
const overBatch =
  ({ groupNorm }: Kernels): Kernels['groupNorm'] =>
  (x, groups, weight, bias, eps) => {
    const [batch, channels] = x.shape;
    if (batch === 1) return groupNorm(x, groups, weight, bias, eps);
    const together = exchanged(x, batch, channels, [1, channels, x.data.length / channels]);
    return exchanged(groupNorm(together, groups, weight, bias, eps), channels, batch, x.shape);
  };

const affineFirst =
  ({ groupNorm }: Kernels): Kernels['groupNorm'] =>
  (x, groups, weight, bias, eps) => {
    const [batch, channels] = x.shape;
    const pixels = x.data.length / (batch * channels);
    const channelOf = (i: number): number => Math.floor(i / pixels) % channels;
    const scaled = filled(x, (i) => x.data[i] * weight.data[channelOf(i)] + bias.data[channelOf(i)]);
    const [one, none] = [1, 0].map((value) => filled(weight, () => value));
    return groupNorm(scaled, groups, one, none, eps);
  };

/** Mistakes in norms. */
export const normFaults: readonly Fault[] = [
  inKernelsOf(
    ({ kind }) => kind === 'attention',
    'attention-norm-eps-1e-6',
    'use ε = 1e-6 in the norms of the attention layers alone, where it is 1e-5',
    groupNormEps(1e-5, 1e-6),
  ),
  inKernels('norm-eps-1e-3', 'use ε = 1e-3 in the group norms, as TensorFlow does', (k) => ({
    groupNorm: (x, groups, weight, bias) => k.groupNorm(x, groups, weight, bias, 1e-3),
  })),
  inKernels('norm-over-batch', 'take the moments of a group over all samples, where each has its own', (k) => ({
    groupNorm: overBatch(k),
  })),
  inKernels('norm-affine-first', 'apply weight and bias of the group norms before the norm', (k) => ({
    groupNorm: affineFirst(k),
  })),
];
