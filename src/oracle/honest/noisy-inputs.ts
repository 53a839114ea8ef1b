/**
 * What is computed before the network, as uncertain as honest ports leave it: stored values, the embedding of time, the
 * schedule. See noise.ts.
 */
import { exp, log } from '../../tensor/math/index.ts';
import type { Generator } from '../../tensor/random.ts';
import { tensor, type Tensor } from '../../tensor/tensor.ts';
import { fourierFeatures, sinusoid } from '../../nn/embeddings.ts';
import { betaSchedules, readNoiseSchedule } from '../../schedulers/noise-schedule.ts';
import { readOptions } from '../../schedulers/options.ts';
import { createScheduler, schedulers } from '../../schedulers/registry.ts';
import type { Format } from './format.ts';
import { drawn } from './noise.ts';

/** Values that are shown and stored: each moved by one rounding. */
export function noisyValue(format: Format, generator: Generator, x: Tensor): Tensor {
  const noise = drawn(generator, x.data.length);
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
    const noise = drawn(generator, half);
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
    const noise = drawn(generator, y.data.length);
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
    const noise = drawn(generator, betas.length);
    const trained = Array.from(betas, (beta, t) => 1 - (1 - beta) * (1 + formatSingle * noise[t]));
    return createScheduler({ ...config, trained_betas: trained }, steps, choices);
  };
}

const scheduleKeys = ['num_train_timesteps', 'beta_start', 'beta_end', 'beta_schedule', 'trained_betas'];

/** The embedding is computed in float32 whatever the network is stored in. */
const formatSingle = 2 ** -24;
