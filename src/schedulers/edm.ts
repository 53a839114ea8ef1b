/**
 * The design space of Karras et al. 2022 (arXiv 2206.00364): the σ of a run, and the model's preconditioning (table 1).
 */
import { add, addScaled, scale } from '../tensor/arithmetic.ts';
import { exp, log, pow } from '../tensor/math/index.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { linspace } from './noise-schedule.ts';
import type { Options } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { karrasSigmas } from './sigmas.ts';

const f32 = Math.fround;

export interface EdmTable {
  /** c_noise = ¼ ln σ: what the model is given. */
  readonly timesteps: readonly number[];
  /** σ of each step and, last, that of the result. */
  readonly sigmas: readonly number[];
  /** x̂₀ = c_skip x + c_out F: what the model's output F says. */
  original(sample: Tensor, output: Tensor, sigma: number): Tensor;
  /** What the two EDM schedulers share. */
  readonly shared: Pick<Scheduler, 'initNoiseSigma' | 'scaleModelInput' | 'addNoise' | 'predictOriginal'>;
}

/**
 * Reads sigma_min, sigma_max, sigma_data, sigma_schedule, num_train_timesteps, prediction_type, rho, final_sigmas_type.
 * @param single diffusers computes Karras' σ of one of the schedulers in float32, and that of the other in float64
 */
export function readEdmTable(options: Options, steps: number, scheduler: string, single: boolean): EdmTable {
  const least = options.number('sigma_min', 0.002);
  const most = options.number('sigma_max', 80);
  const sigmaData = options.number('sigma_data', 0.5);
  const kind = options.choice('sigma_schedule', ['karras', 'exponential'], 'karras');
  options.count('num_train_timesteps', 1000);
  const prediction = options.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const rho = options.number('rho', 7);
  const final = options.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  if (!(least > 0 && most > least))
    throw new InputError(
      `${scheduler}: sigma_min = ${least} and sigma_max = ${most}; expected 0 < sigma_min < sigma_max`,
    );
  if (!Number.isInteger(steps) || steps < 1)
    throw new InputError(`${scheduler}: ${steps} steps are asked for; expected a whole number from 1`);

  const spaced =
    kind === 'exponential'
      ? [...linspace(log(least), log(most), steps)].map((value) => f32(exp(value))).reverse()
      : single
        ? karrasInSingle(most, least, steps, rho)
        : karrasSigmas(most, least, steps, rho).map(f32);
  const sigmas = [...spaced, final === 'zero' ? 0 : single ? f32(least) : spaced[steps - 1]];

  const total = (sigma: number): number => sigma * sigma + sigmaData * sigmaData;
  const original = (sample: Tensor, output: Tensor, sigma: number): Tensor => {
    const out = (sigma * sigmaData) / Math.sqrt(total(sigma));
    return add(scale(sample, sigmaData ** 2 / total(sigma)), scale(output, prediction === 'epsilon' ? out : -out));
  };
  return {
    timesteps: spaced.map((sigma) => f32(0.25 * f32(log(sigma)))),
    sigmas,
    original,
    shared: {
      initNoiseSigma: Math.sqrt(most * most + 1),
      scaleModelInput: (sample, index) => scale(sample, 1 / Math.sqrt(total(sigmas[index]))),
      addNoise: (sample, noise, index) => addScaled(sample, sigmas[index], noise),
      predictOriginal: (sample, output, index) => original(sample, output, sigmas[index]),
    },
  };
}

/** karrasSigmas, every operation rounded to float32. */
function karrasInSingle(largest: number, smallest: number, count: number, rho: number): number[] {
  const [from, to] = [pow(largest, 1 / rho), pow(smallest, 1 / rho)];
  return [...linspace(0, 1, count)].map((place) => f32(pow(f32(f32(from) + f32(place * f32(to - from))), rho)));
}
