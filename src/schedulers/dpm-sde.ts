/**
 * DPM-Solver++ of the SDE in one-step form, two calls a step (Lu et al. 2022, arXiv 2211.01095; k-diffusion's
 * `sample_dpmpp_sde`; `diffusers.DPMSolverSDEScheduler`).
 */
import { add, addScaled, scale } from '../tensor/arithmetic.ts';
import { at, lastOf } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkNoiseSize } from './churn.ts';
import { seededNoise, type NoiseSeed } from './motion.ts';
import { commonBetaSchedules, readNoiseSchedule, type NoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config, type Options } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import {
  endsOf,
  foreignEnds,
  interpolate,
  readSigmaSpacing,
  spaceSigmas,
  timestepOfSigma,
  trainingSigmas,
} from './sigmas.ts';
import { firstDeviation } from './sigma-table.ts';
import { f32 } from './single.ts';
import { fractionalTimesteps, range, spacings } from './spacing.ts';
import { ancestralSplit, denoise, varianceExploding } from './variance-exploding.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * x' = (σ_down/σ) x + (1 − σ_down/σ) x̂₀ + σ_up z, with the ancestral split of σ' (k-diffusion's `sample_dpmpp_sde`).
 * To σ' = 0 it is x̂₀.
 * @param x at σ, like x̂₀ and z [B,C,H,W]
 * @param x0 x̂₀, at the first call what the model says of x, at the second what it says half way
 * @param next σ' of x', from 0, below σ
 * @param z standard normal; not given where σ' is 0
 */
export function dpmSdeStep(x: Tensor, x0: Tensor, sigma: number, next: number, z?: Tensor): Tensor {
  const { down, up } = ancestralSplit(sigma, next, 1);
  const kept = down / sigma;
  const mean = add(scale(x, kept), scale(x0, 1 - kept));
  return z ? addScaled(mean, up, z) : mean;
}

/** Between the two calls of a step: where it began, and the noise of the first half. */
type State = { readonly x: Tensor; readonly z: Tensor } | undefined;

/**
 * A run of `dpmSdeStep`: to σ_mid = √(σ σ') with the model at σ, then the whole step with the model at σ_mid. The noise
 * is that of one Brownian motion over σ, so that the whole step has the noise of its first half in it. With a seed the
 * motion is that of torchsde (diffusers asks it at e^{−(−ln σ)} in float32, up to 1e-6 from σ); without one, where
 * diffusers takes a seed from PyTorch's global generator, it is made of the noise of the run, one draw a call, and has
 * the same law. The last step, to σ = 0, is one call and draws none.
 * @param steps how many, from 1 to the timesteps of the training
 * @param seed of the motion, where the config has no noise_sampler_seed
 * @param sNoise S_noise, from 0: the deviation of the noise
 * @throws InputError for a config, a number of steps or a seed that it does not support
 */
export function dpmSde(config: Config, steps: number, seed?: NoiseSeed, sNoise = 1): Scheduler<State> {
  const name = 'DPMSolverSDEScheduler';
  const options = readOptions(config, name);
  const defaults = { start: 0.00085, end: 0.012, rescales: false };
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, defaults);
  const prediction = options.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const ownSeed = readSeed(options, name);
  const { timesteps, sigmas, initNoiseSigma } = readTable(options, schedule, steps, name);
  const read = options.finish();
  checkNoiseSize(name, sigmas, sNoise);

  const middles = sigmas.slice(1, -1).map((next, i) => Math.sqrt(at(sigmas, i) * next));
  const callSigmas = between(sigmas.slice(0, -1), middles);
  const seeded = seededNoise(name, ownSeed ?? seed, lastOf(sigmas.slice(0, -1)), Math.max(...sigmas));
  const move = (x: Tensor, x0: Tensor, sigma: number, next: number, z: Tensor): Tensor =>
    dpmSdeStep(x, x0, sigma, next, scale(z, sNoise));
  return {
    name,
    config: read,
    timesteps,
    initNoiseSigma,
    start: undefined,
    ...varianceExploding(prediction, callSigmas),
    step(begin, { index, modelOutput, sample, noise }) {
      const step = Math.floor(index / 2);
      const [sigma, next] = [at(sigmas, step), at(sigmas, step + 1)];
      const denoised = denoise(prediction, sample, modelOutput, at(callSigmas, index));
      if (next === 0) return { state: undefined, denoised, sample: dpmSdeStep(sample, denoised, sigma, next) };
      const middle = at(middles, step);
      if (!begin) {
        const z = seeded?.(sample, sigma, middle) ?? noise(sample.shape);
        return { state: { x: sample, z }, denoised, sample: move(sample, denoised, sigma, middle, z) };
      }
      const z = seeded?.(sample, sigma, next) ?? joined(begin.z, noise(sample.shape), { sigma, middle, next });
      return { state: undefined, denoised, sample: move(begin.x, denoised, sigma, next, z) };
    },
  };
}

/** One of the list, one of the middles, and so on; the last is of the list. */
function between(list: readonly number[], middles: readonly number[]): readonly number[] {
  return list.flatMap((value, i) => [value, ...middles.slice(i, i + 1)]);
}

/** The noise of a whole step from those of its halves: √(σ − σ') z = √(σ − σ_mid) z₁ + √(σ_mid − σ') z₂. */
function joined(
  first: Tensor,
  second: Tensor,
  { sigma, middle, next }: Readonly<Record<'sigma' | 'middle' | 'next', number>>,
): Tensor {
  const length = sigma - next;
  return add(scale(first, Math.sqrt((sigma - middle) / length)), scale(second, Math.sqrt((middle - next) / length)));
}

function readSeed(options: Options, name: string): number | undefined {
  const seed = options.optionalNumber('noise_sampler_seed');
  if (seed === undefined || (Number.isSafeInteger(seed) && seed >= 0)) return seed;
  throw new InputError(`${name}: noise_sampler_seed is ${seed}; expected a whole number from 0 to 2^53 − 1, or null`);
}

/** Reads the keys of timesteps and σ, which this class keeps in double precision. @throws as `readSigmaTable` */
function readTable(options: Options, schedule: NoiseSchedule, steps: number, name: string) {
  const grid = options.choice('timestep_spacing', spacings, 'linspace');
  const offset = options.count('steps_offset', 0);
  const spacing = readSigmaSpacing(options, name);
  const ends = foreignEnds(options, name, spacing);
  const table = trainingSigmas(schedule);
  const timestepOf = timestepOfSigma(table);
  const inSingle = fractionalTimesteps(grid, schedule.trainTimesteps, steps, offset);
  const even = grid === 'linspace' ? range(0, schedule.trainTimesteps - 1, steps).reverse() : inSingle;
  const evenSigmas = even.map((t) => interpolate(table, t));
  const [most, least] = endsOf(name, ends, [at(evenSigmas, 0), lastOf(evenSigmas)]);
  const spaced = spacing ? spaceSigmas(spacing, most, least, steps) : evenSigmas;
  const sigmas = [...spaced.map(f32), 0];
  const wrong = sigmas.findIndex((sigma, i) => i > 0 && !(sigma < at(sigmas, i - 1)));
  if (wrong > 0)
    throw new InputError(
      `${name}: σ goes from ${sigmas[wrong - 1]} to ${sigmas[wrong]} at step ${wrong}, but noise is added on the way ` +
        'down only; take fewer steps, or other β',
    );
  const largest = at(sigmas, 0);
  const middles = spaced.slice(1).map((next, i) => timestepOf(Math.sqrt(at(spaced, i) * next)));
  return {
    timesteps: between(spacing ? spaced.map(timestepOf) : even, middles),
    sigmas,
    initNoiseSigma: firstDeviation(grid, largest),
  };
}

/** What is known of it before it is created, and how it is. */
export const DPMSolverSDEScheduler: SchedulerEntry = {
  name: 'DPMSolverSDEScheduler',
  short: 'dpm-sde',
  summary: 'DPM-Solver++ of the SDE, two calls a step, on the noise of a Brownian motion',
  source: 'Lu et al. 2022, arXiv 2211.01095; k-diffusion, sample_dpmpp_sde',
  kind: 'discrete',
  seeded: true,
  churns: 'sNoise',
  create: (config, steps, { noiseSeed, sNoise }) => dpmSde(config, steps, noiseSeed, sNoise),
};
