/**
 * Rounding as noise. In place of rounding, every operation is computed in double precision and its result moved by a
 * random amount of the size that rounding errors have there: unit roundoff · the magnitudes that were added up. (Monte
 * Carlo arithmetic, after Parker 1997.) Run a few times, this shows for every number of a network how large the errors
 * are that honest rounding brings into it, those of all earlier layers included, amplified or damped as the network
 * does it.
 *
 * The size of an error never comes from the result: where 1000 − 999.9 cancels, the result is small and its error is
 * not. A sum of n products is taken to err by u · √n/2 · Σ|aᵢbᵢ|, what a sum of equal signs does in the plainest order.
 */
import { exp, log } from '../../tensor/math/index.ts';
import type { Generator } from '../../tensor/random.ts';
import { tensor, type Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { referenceKernels } from '../../kernels/plain/index.ts';
import { fourierFeatures, sinusoid } from '../../nn/embeddings.ts';
import { evenPadding } from '../../nn/layers.ts';
import { betaSchedules, readNoiseSchedule } from '../../schedulers/noise-schedule.ts';
import { readOptions } from '../../schedulers/options.ts';
import { createScheduler, schedulers } from '../../schedulers/registry.ts';
import type { Format } from './format.ts';

const exact = referenceKernels;

/** Kernels in double precision whose results are as uncertain as those of the format. */
export function noisyKernels(format: Format, generator: Generator): Kernels {
  const { stored, multiplied, added } = format;
  const draw = (count: number): Tensor['data'] => generator.randn([count], 'f64').data;

  /** y, each element moved by its own size. */
  const moved = (y: Tensor, sizeOf: (i: number) => number): Tensor => {
    const noise = draw(y.data.length);
    return { ...y, data: y.data.map((value, i) => value + noise[i] * sizeOf(i)) };
  };
  const onStoring = (y: Tensor): Tensor => moved(y, (i) => stored * Math.abs(y.data[i]));

  /** A product of tensors, of n terms each. `run` computes it from two tensors. */
  const product = (
    y: Tensor,
    a: Tensor,
    b: Tensor,
    n: number,
    run: (a: Tensor, b: Tensor) => Tensor,
    bias?: (i: number) => number,
  ): Tensor => {
    const magnitude = run(absolute(a), absolute(b)).data;
    const squares = multiplied > 0 ? run(squared(a), squared(b)).data : undefined;
    const growth = Math.max(1, Math.sqrt(n) / 2);
    return moved(
      y,
      (i) =>
        added * growth * (magnitude[i] + (bias ? Math.abs(bias(i)) : 0)) +
        stored * Math.abs(y.data[i]) +
        (squares ? multiplied * (2 * Math.sqrt(squares[i]) + Math.abs(y.data[i])) : 0),
    );
  };

  const logits = (q: Tensor, k: Tensor, heads: number, scale: number): Tensor => {
    const run = (a: Tensor, b: Tensor): Tensor => perHead(a, b, heads, scale);
    return product(run(q, k), q, k, q.shape[2] / heads, run);
  };

  /** Each weight e^(x − max) by its own error, their sum by one for the row. */
  const softmax = (x: Tensor): Tensor => {
    const size = x.shape.at(-1) ?? 1;
    const y = exact.softmax(x);
    const growth = Math.max(1, Math.sqrt(size) / 2);
    const noise = draw(y.data.length);
    for (let start = 0; start < y.data.length; start += size) {
      const top = Math.max(...part(x, start, size));
      const ofSum = added * growth * draw(1)[0];
      for (let i = start; i < start + size; i++) {
        const distance = Number.isFinite(x.data[i]) ? Math.abs(x.data[i] - top) : 0;
        // Below the normal numbers of the storage an error has a size of its own.
        y.data[i] += y.data[i] * (noise[i] * (added * (3 + distance) + stored) + ofSum) + noise[i] * smallestOf(format);
      }
    }
    return y;
  };

  const conv2d: Kernels['conv2d'] = (x, weight, bias, stride, padding) => {
    const run = (a: Tensor, b: Tensor): Tensor => exact.conv2d(a, b, undefined, stride, padding);
    const y = exact.conv2d(x, weight, bias, stride, padding);
    const pixels = y.shape[2] * y.shape[3];
    return product(
      y,
      x,
      weight,
      weight.data.length / weight.shape[0],
      run,
      bias && ((i) => bias.data[Math.floor(i / pixels) % bias.data.length]),
    );
  };

  const attentionMap: Kernels['attentionMap'] = (q, k, heads, scale) => softmax(logits(q, k, heads, scale));

  const applyAttentionMap: Kernels['applyAttentionMap'] = (map, v) =>
    product(exact.applyAttentionMap(map, v), map, v, v.shape[1], exact.applyAttentionMap);

  const normed = (
    y: Tensor,
    x: Tensor,
    groupSize: number,
    inverseOf: (start: number) => { mean: number; inverse: number },
    weightOf: (i: number) => number,
    biasOf: (i: number) => number,
  ): Tensor => {
    const noise = draw(y.data.length);
    const growth = Math.max(1, Math.sqrt(groupSize) / 2);
    for (let start = 0; start < y.data.length; start += groupSize) {
      const { mean, inverse } = inverseOf(start);
      // Mean and variance err for the whole group at once.
      const [meanNoise, spreadNoise] = draw(2);
      const meanSize = part(x, start, groupSize).reduce((sum, value) => sum + Math.abs(value), 0) / groupSize;
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
  };

  return {
    ...exact,
    conv2d,
    joinedConv2d: (x, weight, bias, stride, padding) => conv2d(x, weight, bias, stride, padding),
    upsampleConv2d: (x, weight, bias) => conv2d(exact.upsampleNearest2x(x), weight, bias, 1, evenPadding(1)),
    linear: (x, weight, bias) =>
      product(
        exact.linear(x, weight, bias),
        x,
        weight,
        weight.shape[1],
        (a, b) => exact.linear(a, b, undefined),
        bias && ((i) => bias.data[i % bias.data.length]),
      ),
    groupNorm: (x, groups, weight, bias, eps) => {
      const pixels = x.data.length / (x.shape[0] * x.shape[1]);
      const channel = (i: number): number => Math.floor(i / pixels) % x.shape[1];
      const size = (x.shape[1] / groups) * pixels;
      return normed(
        exact.groupNorm(x, groups, weight, bias, eps),
        x,
        size,
        (start) => momentsOf(x, start, size, eps),
        (i) => weight.data[channel(i)],
        (i) => bias.data[channel(i)],
      );
    },
    layerNorm: (x, weight, bias, eps) => {
      const size = weight.data.length;
      return normed(
        exact.layerNorm(x, weight, bias, eps),
        x,
        size,
        (start) => momentsOf(x, start, size, eps),
        (i) => weight.data[i % size],
        (i) => bias.data[i % size],
      );
    },
    softmax,
    attentionMap,
    applyAttentionMap,
    attention: (q, k, v, heads, scale) => applyAttentionMap(attentionMap(q, k, heads, scale), v),
    activation: (x, kind) => {
      const y = exact.activation(x, kind);
      if (kind === 'relu') return y;
      // e^x errs with x; the error function of GELU is added to 1, and cancels where x is negative.
      return moved(
        y,
        (i) =>
          stored * Math.abs(y.data[i]) +
          added *
            (kind === 'gelu' ? Math.abs(x.data[i]) : Math.abs(y.data[i]) * (2 + Math.min(100, Math.abs(x.data[i])))) +
          smallestOf(format),
      );
    },
    averagePool2x: (x) => {
      const y = exact.averagePool2x(x);
      const magnitude = exact.averagePool2x(absolute(x)).data;
      return moved(y, (i) => 2 * added * magnitude[i] + stored * Math.abs(y.data[i]));
    },
    add: (a, b) => onStoring(exact.add(a, b)),
    subtract: (a, b) => onStoring(exact.subtract(a, b)),
    multiply: (a, b) => onStoring(exact.multiply(a, b)),
    divide: (x, divisor) => onStoring(exact.divide(x, divisor)),
    affine: (x, factor, offset) => {
      const y = exact.affine(x, factor, offset);
      return moved(y, (i) => added * 2 * Math.abs(x.data[i] * factor) + stored * Math.abs(y.data[i]));
    },
  };
}

/** Values that are shown and stored: each moved by one rounding. */
export function noisyValue(format: Format, generator: Generator, x: Tensor): Tensor {
  const noise = generator.randn([x.data.length], 'f64').data;
  return { ...x, data: x.data.map((value, i) => value + noise[i] * format.stored * Math.abs(value)) };
}

/**
 * The embedding of time as uncertain as float32 leaves it: exponent, frequency, angle are rounded, and the angle may be
 * large.
 */
export function noisySinusoid(format: Format, generator: Generator): typeof sinusoid {
  return (timesteps, size, cosineFirst, shift, dtype) => {
    const half = Math.floor(size / 2);
    const y = sinusoid(timesteps, size, cosineFirst, shift, dtype);
    const noise = generator.randn([half], 'f64').data;
    const data = y.data.slice();
    timesteps.forEach((t, b) => {
      for (let i = 0; i < half; i++) {
        const exponent = (9.210340371976184 * i) / (half - shift);
        const turn = noise[i] * formatSingle * (2 + 2 * exponent) * t * exp(-exponent);
        // d sin = cos, d cos = −sin; which of the two comes first does not matter for the size.
        data[b * size + i] += turn * Math.abs(y.data[b * size + half + i]);
        data[b * size + half + i] += turn * Math.abs(y.data[b * size + i]);
      }
    });
    return noisyValue(
      { ...format, stored: Math.max(format.stored, formatSingle) },
      generator,
      tensor(dtype, y.shape, data),
    );
  };
}

/** Random Fourier features likewise: their angle is 2π · w · log t, of some hundreds. */
export function noisyFourierFeatures(format: Format, generator: Generator): typeof fourierFeatures {
  return (timesteps, frequencies) => {
    const y = fourierFeatures(timesteps, frequencies);
    const n = frequencies.data.length;
    const noise = generator.randn([y.data.length], 'f64').data;
    const unit = Math.max(format.stored, formatSingle);
    const data = y.data.slice();
    timesteps.forEach((t, b) => {
      for (let i = 0; i < n; i++) {
        const [first, second] = [b * 2 * n + i, b * 2 * n + n + i];
        const turn = noise[first] * unit * 3 * Math.abs(2 * Math.PI * frequencies.data[i] * log(t));
        data[first] += turn * Math.abs(y.data[second]);
        data[second] += turn * Math.abs(y.data[first]);
      }
    });
    return noisyValue({ ...format, stored: unit }, generator, tensor(y.dtype, y.shape, data));
  };
}

/**
 * Schedulers whose table of ᾱ is as uncertain as a product of a thousand float32 numbers: its order, or double
 * precision, are free.
 */
export function noisyScheduler(generator: Generator): typeof createScheduler {
  return (config, steps, choices) => {
    const plain = createScheduler(config, steps, choices);
    if (schedulers[plain.name].kind !== 'discrete' || config['rescale_betas_zero_snr'] === true) return plain;
    const options = readOptions(
      Object.fromEntries(Object.entries(plain.config).filter(([key]) => scheduleKeys.includes(key))),
      plain.name,
    );
    const { betas } = readNoiseSchedule(options, [...betaSchedules, 'exp'], plain.name);
    const noise = generator.randn([betas.length], 'f64').data;
    const trained = Array.from(betas, (beta, t) => 1 - (1 - beta) * (1 + formatSingle * noise[t]));
    return createScheduler({ ...config, trained_betas: trained }, steps, choices);
  };
}

const scheduleKeys = ['num_train_timesteps', 'beta_start', 'beta_end', 'beta_schedule', 'trained_betas'];

/** The embedding is computed in float32 whatever the network is stored in. */
const formatSingle = 2 ** -24;

/** Half of the smallest number above 0 of the storage: the error that even the smallest results have. */
function smallestOf({ storage }: Format): number {
  return storage === 'f16' ? 2 ** -25 : 2 ** -150;
}

function part(x: Tensor, start: number, count: number): readonly number[] {
  return Array.from(x.data.subarray(start, start + count));
}

function absolute(x: Tensor): Tensor {
  return { ...x, data: x.data.map(Math.abs) };
}

function squared(x: Tensor): Tensor {
  return { ...x, data: x.data.map((value) => value * value) };
}

function momentsOf(x: Tensor, start: number, count: number, eps: number): { mean: number; inverse: number } {
  const values = part(x, start, count);
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  return { mean, inverse: 1 / Math.sqrt(variance + eps) };
}

/** q kᵀ · scale per head: [B,N,D], [B,M,D] → [B,h,N,M]. */
function perHead(q: Tensor, k: Tensor, heads: number, scale: number): Tensor {
  const [batch, queries, channels] = q.shape;
  const keys = k.shape[1];
  const size = channels / heads;
  const out = new Float64Array(batch * heads * queries * keys);
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let n = 0; n < queries; n++)
        for (let m = 0; m < keys; m++, at++) {
          const [first, second] = [(b * queries + n) * channels + h * size, (b * keys + m) * channels + h * size];
          for (let d = 0; d < size; d++) out[at] += q.data[first + d] * k.data[second + d];
          out[at] *= scale;
        }
  return tensor('f64', [batch, heads, queries, keys], out);
}
