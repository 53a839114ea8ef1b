/** Linear multistep (Adams–Bashforth on uneven steps: k-diffusion's `sample_lms`; `diffusers.LMSDiscreteScheduler`). */
import { add, combine } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import { checkApart } from './multistep.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { predictionTypes } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaTable } from './sigma-table.ts';
import { denoise, slope, varianceExploding } from './variance-exploding.ts';
import type { SchedulerEntry } from './entry.ts';

/** How many slopes the polynomial goes through. */
const order = 4;

/**
 * x' = x + ∫ p(σ) dσ from σ to σ', p the polynomial through the last slopes.
 * @param x at σ, [B,C,H,W]
 * @param slopes d at σ and before it, the latest first, one to four, [B,C,H,W] each
 * @param sigmas σ of each of the slopes
 * @param next σ' of x'
 */
export function lmsStep(x: Tensor, slopes: readonly Tensor[], sigmas: readonly number[], next: number): Tensor {
  const weights = lagrangeIntegrals(sigmas, at(sigmas, 0), next);
  return add(x, combine(slopes.map((d, k) => [at(weights, k), d])));
}

/**
 * ∫ ℓ_k(τ) dτ for each node, ℓ_k its Lagrange polynomial. Gauss's rule with two points is exact up to the third degree,
 * that is for four nodes.
 */
function lagrangeIntegrals(nodes: readonly number[], from: number, to: number): number[] {
  const [middle, half] = [(from + to) / 2, (to - from) / 2];
  return nodes.map((node, k) => {
    const polynomial = (tau: number): number =>
      nodes.reduce((product, other, j) => (j === k ? product : (product * (tau - other)) / (node - other)), 1);
    return half * (polynomial(middle - half / Math.sqrt(3)) + polynomial(middle + half / Math.sqrt(3)));
  });
}

/**
 * A run of linear multistep. The state is the last slopes, the latest first.
 * @param steps how many, from 1 to the timesteps of the training
 * @throws InputError for a config or a number of steps that it does not support
 */
export function lms(config: Config, steps: number): Scheduler<readonly Tensor[]> {
  const name = 'LMSDiscreteScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, { rescales: false });
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const { timesteps, sigmas, initNoiseSigma } = readSigmaTable(options, schedule, steps, name, { spacing: true });
  const read = options.finish();
  const callSigmas = sigmas.slice(0, -1);
  const orders = callSigmas.map(() => order);
  checkApart(name, callSigmas, orders);

  return {
    name,
    config: read,
    timesteps,
    initNoiseSigma,
    start: [],
    ...varianceExploding(prediction, callSigmas),
    step(earlier, { index, modelOutput, sample }) {
      const sigma = at(sigmas, index);
      const denoised = denoise(prediction, sample, modelOutput, sigma);
      const slopes = [slope(sample, denoised, sigma), ...earlier].slice(0, order);
      const nodes = slopes.map((_, k) => at(sigmas, index - k));
      return { state: slopes, denoised, sample: lmsStep(sample, slopes, nodes, at(sigmas, index + 1)) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const LMSDiscreteScheduler: SchedulerEntry = {
  name: 'LMSDiscreteScheduler',
  short: 'lms',
  summary: 'linear multistep through the last four slopes',
  source: 'k-diffusion, sample_lms',
  kind: 'discrete',
  create: (config, steps) => lms(config, steps),
};
