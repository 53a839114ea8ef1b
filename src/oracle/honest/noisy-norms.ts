/** Norms and softmax in double precision, as uncertain as their sums are. See noise.ts. */
import type { Kernels } from '../../kernels/kernels.ts';
import { referenceKernels as exact } from '../../kernels/plain/index.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { growthOf, smallestOf, type Noise } from './noise.ts';

/** Each weight e^(x − max) by its own error, their sum by one for the row. */
export function noisySoftmax({ format, draw }: Noise): Kernels['softmax'] {
  const { stored, added } = format;
  return (x) => {
    const size = x.shape.at(-1) ?? 1;
    const y = exact.softmax(x);
    const growth = growthOf(size);
    const noise = draw(y.data.length);
    for (let start = 0; start < y.data.length; start += size) {
      const top = largestOf(x, start, size);
      const ofSum = added * growth * draw(1)[0];
      for (let i = start; i < start + size; i++) {
        const distance = Number.isFinite(x.data[i]) ? Math.abs(x.data[i] - top) : 0;
        // Below the normal numbers of the storage an error has a size of its own.
        y.data[i] += y.data[i] * (noise[i] * (added * (3 + distance) + stored) + ofSum) + noise[i] * smallestOf(format);
      }
    }
    return y;
  };
}

/** Sparse softmax, each share by its number's error and the threshold's; rows cut to a norm, by that of the norm. */
export function noisyRows({ format, moved }: Noise): Pick<Kernels, 'entmax' | 'limitNorm'> {
  const { stored, added } = format;
  return {
    entmax(x, alpha) {
      const y = exact.entmax(x, alpha);
      return moved(y, (i) => stored * Math.abs(y.data[i]) + (y.data[i] === 0 ? 0 : added * (1 + Math.abs(x.data[i]))));
    },
    limitNorm(x, like, limit) {
      const y = exact.limitNorm(x, like, limit);
      const growth = growthOf(x.shape.at(-1) ?? 1);
      return moved(y, (i) => (stored + 2 * added * growth) * Math.abs(y.data[i]));
    },
  };
}

/** A norm that has been computed: of what, in groups of how many numbers, and the parameters of element i. */
interface Norm {
  readonly result: Tensor;
  readonly x: Tensor;
  readonly groupSize: number;
  readonly eps: number;
  weightOf(i: number): number;
  biasOf(i: number): number;
}

/** Group norm and layer norm. */
export function noisyNorms(noise: Noise): Pick<Kernels, 'groupNorm' | 'layerNorm'> {
  return {
    groupNorm(x, groups, weight, bias, eps) {
      const pixels = x.data.length / (x.shape[0] * x.shape[1]);
      const channel = (i: number): number => Math.floor(i / pixels) % x.shape[1];
      return uncertain(noise, {
        result: exact.groupNorm(x, groups, weight, bias, eps),
        x,
        groupSize: (x.shape[1] / groups) * pixels,
        eps,
        weightOf: (i) => weight.data[channel(i)],
        biasOf: (i) => bias.data[channel(i)],
      });
    },
    layerNorm(x, weight, bias, eps) {
      const size = weight.data.length;
      return uncertain(noise, {
        result: exact.layerNorm(x, weight, bias, eps),
        x,
        groupSize: size,
        eps,
        weightOf: (i) => weight.data[i % size],
        biasOf: (i) => bias.data[i % size],
      });
    },
  };
}

function uncertain({ format, draw }: Noise, { result: y, x, groupSize, eps, weightOf, biasOf }: Norm): Tensor {
  const { stored, added } = format;
  const noise = draw(y.data.length);
  const growth = growthOf(groupSize);
  for (let start = 0; start < y.data.length; start += groupSize) {
    const { mean, meanSize, inverse } = momentsOf(x.data, start, groupSize, eps);
    // Mean and variance err for the whole group at once.
    const [meanNoise, spreadNoise] = draw(2);
    for (let i = start; i < start + groupSize; i++) {
      const scale = Math.abs(inverse * weightOf(i));
      const deviation = y.data[i] - biasOf(i);
      y.data[i] +=
        added * growth * (meanNoise * meanSize * scale + spreadNoise * deviation) +
        noise[i] *
          (added * (2 * (Math.abs(x.data[i]) + Math.abs(mean)) * scale + Math.abs(biasOf(i))) +
            stored * Math.abs(y.data[i]));
    }
  }
  return y;
}

function largestOf(x: Tensor, start: number, count: number): number {
  let top = -Infinity;
  for (let i = start; i < start + count; i++) top = Math.max(top, x.data[i]);
  return top;
}

/** Of some numbers: their mean, that of their sizes, and 1/√(variance + ε). */
export function momentsOf(data: ArrayLike<number>, start: number, count: number, eps: number) {
  let [sum, sizes, squares] = [0, 0, 0];
  for (let i = start; i < start + count; i++) {
    sum += data[i];
    sizes += Math.abs(data[i]);
  }
  const mean = sum / count;
  for (let i = start; i < start + count; i++) squares += (data[i] - mean) ** 2;
  return { mean, meanSize: sizes / count, inverse: 1 / Math.sqrt(squares / count + eps) };
}
