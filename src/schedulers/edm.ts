/**
 * The design space of Karras et al. 2022 (arXiv 2206.00364): the σ of a run, and the model's preconditioning (table 1).
 */
import { add, scale } from '../tensor/arithmetic.ts';
import { exp, log, pow } from '../tensor/math/index.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at, lastOf } from '../tensor/at.ts';
import { forwardProcess } from './level.ts';
import { linspace } from './noise-schedule.ts';
import type { Options } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { checkSigmas, karrasSigmas } from './sigmas.ts';
import { f32 } from './single.ts';

/** c_in = 1/√(σ² + σ_d²): what the model's input is multiplied by. @param sigmaData σ_d, the deviation of the data */
export function inputScale(sigma: number, sigmaData: number): number {
  return 1 / Math.sqrt(sigma * sigma + sigmaData * sigmaData);
}

/**
 * x̂₀ = c_skip x + c_out F,   c_skip = σ_d²/(σ² + σ_d²), c_out = σ σ_d/√(σ² + σ_d²)   (arXiv 2206.00364, table 1).
 * @param x x₀ + σ ε, [B,C,H,W]
 * @param output F, what the model says of c_in x; of v it is −F. Like x
 * @param sigma σ, from 0
 * @param sigmaData σ_d, above 0
 */
export function preconditioned(
  type: 'epsilon' | 'v_prediction',
  x: Tensor,
  output: Tensor,
  sigma: number,
  sigmaData: number,
): Tensor {
  const total = sigma * sigma + sigmaData * sigmaData;
  const out = (sigma * sigmaData) / Math.sqrt(total);
  return add(scale(x, sigmaData ** 2 / total), scale(output, type === 'epsilon' ? out : -out));
}

/** What the two EDM schedulers share. */
export interface EdmTable {
  /** c_noise = ¼ ln σ: what the model is given. */
  readonly timesteps: readonly number[];
  /** σ of each step and, last, that of the result. */
  readonly sigmas: readonly number[];
  /** x̂₀ = c_skip x + c_out F: what the model's output F says at σ. */
  original(sample: Tensor, output: Tensor, sigma: number): Tensor;
  /** What does not depend on the method. */
  readonly shared: Pick<Scheduler, 'initNoiseSigma' | 'scaleModelInput' | 'levelAt' | 'addNoise' | 'predictOriginal'>;
}

/** What the keys are where a config has none. */
export interface EdmDefaults {
  readonly least: number;
  readonly most: number;
  readonly sigmaData: number;
  readonly schedule: 'karras' | 'exponential';
  readonly prediction: 'epsilon' | 'v_prediction';
}

const ofKarras: EdmDefaults = { least: 0.002, most: 80, sigmaData: 0.5, schedule: 'karras', prediction: 'epsilon' };

/**
 * Reads sigma_min, sigma_max, sigma_data, sigma_schedule, num_train_timesteps, prediction_type, rho, final_sigmas_type.
 * @param single diffusers computes Karras' σ of one of the schedulers in float32, and that of the other in float64
 * @throws InputError for values that are not supported
 */
export function readEdmTable(
  options: Options,
  steps: number,
  scheduler: string,
  single: boolean,
  defaults: EdmDefaults = ofKarras,
): EdmTable {
  const least = options.number('sigma_min', defaults.least);
  const most = options.number('sigma_max', defaults.most);
  const sigmaData = options.number('sigma_data', defaults.sigmaData);
  const kind = options.choice('sigma_schedule', ['karras', 'exponential'], defaults.schedule);
  options.count('num_train_timesteps', 1000);
  const prediction = options.choice('prediction_type', ['epsilon', 'v_prediction'], defaults.prediction);
  const rho = options.number('rho', 7);
  const final = options.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  if (!(least > 0 && most > least))
    throw new InputError(
      `${scheduler}: sigma_min = ${least} and sigma_max = ${most}; expected 0 < sigma_min < sigma_max`,
    );

  if (!(rho > 0)) throw new InputError(`${scheduler}: rho is ${rho}; expected a power above 0`);
  if (!(sigmaData > 0 && f32(sigmaData ** 2) < Infinity))
    throw new InputError(`${scheduler}: sigma_data is ${sigmaData}; expected a deviation above 0, its square finite`);

  const spaced = kind === 'karras' ? karrasOf(most, least, steps, rho, single) : exponentialOf(most, least, steps);
  checkSigmas(scheduler, spaced, `sigma_min = ${least}, sigma_max = ${most} and rho = ${rho}`);
  // A run of one step can leave the largest σ out, but its first picture has it.
  if (!(f32(most * most) < Infinity))
    throw new InputError(`${scheduler}: sigma_max is ${most}; expected one whose square is finite`);
  const smallest = single ? f32(least) : lastOf(spaced);
  const original = (sample: Tensor, output: Tensor, sigma: number): Tensor =>
    preconditioned(prediction, sample, output, sigma, sigmaData);
  return {
    timesteps: spaced.map((sigma) => f32(0.25 * f32(log(sigma)))),
    sigmas: [...spaced, final === 'zero' ? 0 : smallest],
    original,
    shared: {
      initNoiseSigma: Math.sqrt(most * most + 1),
      scaleModelInput: (sample, index) => scale(sample, inputScale(at(spaced, index), sigmaData)),
      ...forwardProcess(spaced.map((sigma) => ({ signal: 1, noise: sigma }))),
      predictOriginal: (sample, output, index) => original(sample, output, at(spaced, index)),
    },
  };
}

/** Even steps of ln σ. */
function exponentialOf(largest: number, smallest: number, count: number): number[] {
  return [...linspace(log(smallest), log(largest), count)].map((value) => f32(exp(value))).reverse();
}

/** karrasSigmas, rounded to float32 at the end or, if `single`, in every operation. */
function karrasOf(largest: number, smallest: number, count: number, rho: number, single: boolean): number[] {
  if (!single) return karrasSigmas(largest, smallest, count, rho).map(f32);
  const [from, to] = [pow(largest, 1 / rho), pow(smallest, 1 / rho)];
  return [...linspace(0, 1, count)].map((place) => f32(pow(f32(f32(from) + f32(place * f32(to - from))), rho)));
}
