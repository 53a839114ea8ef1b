/**
 * Consistency models, in one step or several (Song et al. 2023, arXiv 2303.01469;
 * `diffusers.CMStochasticIterativeScheduler`).
 */
import { add, addScaled, clamp, divideBy, scale } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import { log, pow } from '../tensor/math/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { forwardProcess } from './level.ts';
import { readOptions, type Config } from './options.ts';
import { checkTimesteps, type OwnSteps } from './own-steps.ts';
import type { Scheduler } from './scheduler.ts';
import { f32 } from './single.ts';
import { spacedTimesteps } from './spacing.ts';
import type { SchedulerEntry } from './entry.ts';

/** What the model was trained with. */
export interface ConsistencyRange {
  /** σ_min, from 0: where f is the identity. */
  readonly sigmaMin: number;
  /** σ_d, the deviation of the data, above 0. */
  readonly sigmaData: number;
}

/**
 * f(x, σ) = c_skip x + c_out F,   c_skip = σ_d²/((σ − σ_min)² + σ_d²), c_out = σ_d (σ − σ_min)/√(σ² + σ_d²)   (arXiv
 * 2303.01469, appendix C): at σ_min it is x, whatever the model says.
 * @param x x₀ + σ ε, [B,C,H,W]
 * @param output F, what the model says of x/√(σ² + σ_d²); like x
 * @param sigma σ, from σ_min
 */
export function consistentAt(x: Tensor, output: Tensor, sigma: number, range: ConsistencyRange): Tensor {
  const { sigmaMin, sigmaData } = range;
  const skip = sigmaData ** 2 / ((sigma - sigmaMin) ** 2 + sigmaData ** 2);
  const out = ((sigma - sigmaMin) * sigmaData) / Math.sqrt(sigma ** 2 + sigmaData ** 2);
  return add(scale(output, out), scale(x, skip));
}

/**
 * x' = f + √(σ'² − σ_min²) z   (arXiv 2303.01469, algorithm 1).
 * @param denoised f(x, σ), kept in range; like z of the shape of x, [B,C,H,W]
 * @param next σ' of x', from σ_min; where it is less by a rounding, it counts as σ_min
 * @param z noise, standard normal but for `s_noise`; not given in a run of one step
 */
export function consistencyStep(denoised: Tensor, next: number, sigmaMin: number, z?: Tensor): Tensor {
  return z ? addScaled(denoised, Math.sqrt(Math.max(next ** 2 - sigmaMin ** 2, 0)), z) : denoised;
}

/**
 * A run of `consistencyStep`. As in diffusers the last step draws noise too, of which σ_min in float32 leaves less than
 * 1e-6.
 * @param steps how many, from 1 to num_train_timesteps
 * @param own timesteps of the training in place of evenly spaced ones: whole numbers that fall
 * @throws InputError for a config or a number of steps that it does not support
 */
export function cmStochasticIterative(config: Config, steps: number, own: OwnSteps = {}): Scheduler<undefined> {
  const name = 'CMStochasticIterativeScheduler';
  const options = readOptions(config, name);
  const { trainTimesteps, sigmaMin, sigmaMax, sigmaData, rho, noiseScale } = readRange(options, name);
  const clips = options.flag('clip_denoised', true);
  const read = options.finish();

  // Karras' σ (arXiv 2206.00364, eq. 5) at some of the places of the training, from the largest.
  const rule = { most: trainTimesteps - 1, whole: true, falling: true };
  const falling = own.timesteps
    ? checkTimesteps(name, own.timesteps, rule)
    : spacedTimesteps('leading', trainTimesteps, steps, 0);
  const places = [...falling].reverse();
  const [from, to] = [pow(sigmaMax, 1 / rho), pow(sigmaMin, 1 / rho)];
  const spaced = places.map((place) => pow(from + (place / (trainTimesteps - 1)) * (to - from), rho));
  const sigmas = [...spaced, sigmaMin].map(f32);
  const range = { sigmaMin, sigmaData };
  return {
    name,
    config: read,
    timesteps: spaced.map((sigma) => 250 * log(sigma + 1e-44)),
    initNoiseSigma: sigmaMax,
    start: undefined,
    scaleModelInput: (sample, index) => divideBy(sample, Math.sqrt(at(sigmas, index) ** 2 + sigmaData ** 2)),
    ...forwardProcess(sigmas.slice(0, -1).map((sigma) => ({ signal: 1, noise: sigma }))),
    predictOriginal: (sample, output, index) => consistentAt(sample, output, at(sigmas, index), range),
    step(state, { index, modelOutput, sample, noise }) {
      const free = consistentAt(sample, modelOutput, at(sigmas, index), range);
      const denoised = clips ? clamp(free, -1, 1) : free;
      const z = steps > 1 ? scale(noise(sample.shape), noiseScale) : undefined;
      const next = Math.min(Math.max(at(sigmas, index + 1), sigmaMin), sigmaMax);
      return { state, denoised, sample: consistencyStep(denoised, next, sigmaMin, z) };
    },
  };
}

/** Reads the keys of σ. @throws InputError for σ that are not apart, or a place of the training that is the only one */
function readRange(options: ReturnType<typeof readOptions>, name: string) {
  const trainTimesteps = options.count('num_train_timesteps', 40);
  const sigmaMin = options.number('sigma_min', 0.002);
  const sigmaMax = options.number('sigma_max', 80);
  const sigmaData = options.number('sigma_data', 0.5);
  const noiseScale = options.number('s_noise', 1);
  const rho = options.number('rho', 7);
  if (trainTimesteps < 2)
    throw new InputError(`${name}: num_train_timesteps is ${trainTimesteps}; expected at least 2, for two ends of σ`);
  const hasSquare = (value: number): boolean => f32(value * value) < Infinity;
  if (!(sigmaMin >= 0 && sigmaMax > sigmaMin && hasSquare(sigmaMax)))
    throw new InputError(
      `${name}: sigma_min = ${sigmaMin} and sigma_max = ${sigmaMax}; expected 0 ≤ sigma_min < sigma_max, ` +
        'with finite squares',
    );
  if (!(sigmaData > 0 && hasSquare(sigmaData)))
    throw new InputError(`${name}: sigma_data is ${sigmaData}; expected a number above 0, its square finite`);
  if (!hasSquare(noiseScale)) throw new InputError(`${name}: s_noise is ${noiseScale}; expected one of finite square`);
  if (!(rho > 0)) throw new InputError(`${name}: rho is ${rho}; expected a number above 0`);
  return { trainTimesteps, sigmaMin, sigmaMax, sigmaData, rho, noiseScale };
}

/** What is known of it before it is created, and how it is. */
export const CMStochasticIterativeScheduler: SchedulerEntry = {
  name: 'CMStochasticIterativeScheduler',
  short: 'cm',
  summary: 'for consistency models of σ: to x̂₀ at once, then noise again',
  source: 'Song et al. 2023, arXiv 2303.01469, algorithm 1',
  kind: 'consistency',
  own: { timesteps: true },
  create: (config, steps, own) => cmStochasticIterative(config, steps, own),
};
