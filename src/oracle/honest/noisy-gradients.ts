/** What only gradients need, in double precision, as uncertain as it is. See noise.ts. */
import { onesLike, zerosLike } from '../../kernels/gradients/sums.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { referenceKernels as exact } from '../../kernels/plain/index.ts';
import { sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { growthOf, smallestOf, type Noise } from './noise.ts';
import { momentsOf } from './noisy-norms.ts';
import { absolute, uncertain } from './noisy-products.ts';

type Gradients = 'conv2dWeightGradient' | 'activationDerivative' | 'groupNormGradient' | 'groupNormSums';

/** The kernels of gradients that do not only move numbers. */
export function noisyGradients(noise: Noise): Pick<Kernels, Gradients> {
  const { format, moved } = noise;
  const { stored, added } = format;
  return {
    conv2dWeightGradient(x, gradient, ...rest) {
      const run = (a: Tensor, b: Tensor): Tensor => exact.conv2dWeightGradient(a, b, ...rest);
      const terms = gradient.data.length / Math.max(1, gradient.shape[1]);
      return uncertain(noise, { result: run(x, gradient), a: x, b: gradient, terms, run });
    },
    activationDerivative(x, kind) {
      const y = exact.activationDerivative(x, kind);
      if (kind === 'relu') return y;
      // Two terms of the size of 1 or less; e^x errs with x, where it is not yet 0.
      return moved(y, (i) => added * (2 + Math.min(4, Math.abs(x.data[i]))) + smallestOf(format));
    },
    groupNormGradient(x, gradient, weight, groups, eps) {
      const y = exact.groupNormGradient(x, gradient, weight, groups, eps);
      const size = y.data.length / Math.max(1, x.shape[0] * groups);
      const growth = growthOf(size);
      const pixels = sizeOf(x.shape.slice(2));
      const sizes = absolute(gradient).data.map(
        (g, i) => g * Math.abs(weight.data[Math.floor(i / pixels) % x.shape[1]]),
      );
      const ofGroups = Array.from({ length: y.data.length / size }, (_, g) => {
        const [ofX, ofSizes] = [x.data, sizes].map((data) => momentsOf(data, g * size, size, eps));
        return { mean: ofSizes.mean, inverse: ofX.inverse };
      });
      return moved(y, (i) => {
        const { mean, inverse } = ofGroups[Math.floor(i / size)];
        return added * growth * (sizes[i] + 2 * mean) * inverse + stored * Math.abs(y.data[i]);
      });
    },
    groupNormSums(x, gradient, groups, eps) {
      const y = exact.groupNormSums(x, gradient, groups, eps);
      const [, channels] = x.shape;
      const pixels = sizeOf(x.shape.slice(2));
      const growth = growthOf(pixels);
      const [one, zero] = [onesLike(x, [channels]), zerosLike(x, [channels])];
      const [normed, sizes] = [exact.groupNorm(x, groups, one, zero, eps), gradient].map((each) => absolute(each).data);
      return moved(y, (i) => {
        const ofWeight = i % (2 * channels) < channels;
        const first = (Math.floor(i / (2 * channels)) * channels + (i % channels)) * pixels;
        let sum = 0;
        for (let p = first; p < first + pixels; p++) sum += sizes[p] * (ofWeight ? normed[p] : 1);
        return added * growth * sum + stored * Math.abs(y.data[i]);
      });
    },
  };
}
