/** Kernels in double precision whose results are as uncertain as those of a format. See noise.ts. */
import type { Kernels } from '../../kernels/kernels.ts';
import { quickKernels as exact } from '../matrix/kernels.ts';
import type { Generator } from '../../tensor/random.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Format } from './format.ts';
import { noiseOf, smallestOf, type Noise } from './noise.ts';
import { noisyGradients } from './noisy-gradients.ts';
import { noisyNorms, noisyRows, noisySoftmax } from './noisy-norms.ts';
import { absolute, noisyAttention, noisyProducts } from './noisy-products.ts';
import { winogradSizes } from './noisy-winograd.ts';

/**
 * The kernels, moved at random by numbers of `generator`. Each says how it errs, or that it moves numbers and errs in
 * none: a kernel that is missing here is a type error.
 * @param sizesOf `winogradSizes`, which may remember those of weights that it has seen
 */
export function noisyKernels(format: Format, generator: Generator, sizesOf = winogradSizes): Kernels {
  const noise = noiseOf(format, generator);
  const softmax = noisySoftmax(noise);
  return {
    ...noisyProducts(noise, sizesOf),
    ...noisyNorms(noise),
    ...noisyRows(noise),
    softmax,
    ...noisyAttention(noise, softmax),
    ...noisyElementwise(noise),
    ...errorless('upsampleNearest2x', 'resizeNearest', 'concatChannels', 'sliceChannels', 'concatBatch', 'sliceBatch'),
    ...errorless('reshape', 'toTokens', 'fromTokens', 'transposeWeight', 'transposeMap', 'placePixels'),
    ...noisyGradients(noise),
  };
}

/** Kernels that move numbers and change none. */
function errorless<K extends keyof Kernels>(...names: readonly K[]): Pick<Kernels, K> {
  return Object.fromEntries(names.map((name) => [name, exact[name]])) as Pick<Kernels, K>;
}

type Elementwise = 'activation' | 'averagePool2x' | 'add' | 'subtract' | 'multiply' | 'divide' | 'affine';

function noisyElementwise({ format, moved }: Noise): Pick<Kernels, Elementwise> {
  const { stored, added } = format;
  // What a mask has made −∞ stays so.
  const errorOf = (value: number): number => (Number.isFinite(value) ? stored * Math.abs(value) : 0);
  const onStoring = (y: Tensor): Tensor => moved(y, (i) => errorOf(y.data[i]));
  return {
    activation(x, kind) {
      const y = exact.activation(x, kind);
      if (kind === 'relu') return y;
      // e^x errs with x; the error function of GELU is added to 1, and cancels where x is negative.
      const errors = (i: number): number =>
        kind === 'gelu' ? Math.abs(x.data[i]) : Math.abs(y.data[i]) * (2 + Math.min(100, Math.abs(x.data[i])));
      return moved(y, (i) => stored * Math.abs(y.data[i]) + added * errors(i) + smallestOf(format));
    },
    averagePool2x(x) {
      const y = exact.averagePool2x(x);
      const magnitude = exact.averagePool2x(absolute(x)).data;
      return moved(y, (i) => 2 * added * magnitude[i] + stored * Math.abs(y.data[i]));
    },
    add: (a, b) => onStoring(exact.add(a, b)),
    subtract: (a, b) => onStoring(exact.subtract(a, b)),
    multiply: (a, b) => onStoring(exact.multiply(a, b)),
    divide: (x, divisor) => onStoring(exact.divide(x, divisor)),
    affine(x, factor, offset) {
      const y = exact.affine(x, factor, offset);
      return moved(y, (i) => added * 2 * Math.abs(x.data[i] * factor) + stored * Math.abs(y.data[i]));
    },
  };
}
