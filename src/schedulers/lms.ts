/** Linear multistep (Adams–Bashforth on uneven steps: k-diffusion's `sample_lms`; `diffusers.LMSDiscreteScheduler`). */
import { add, combine } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { predictionTypes } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaTable } from './sigma-table.ts';
import { denoise, slope, varianceExploding } from './variance-exploding.ts';

/** How many slopes the polynomial goes through. */
const order = 4;

/**
 * x' = x + ∫ p(σ) dσ from σ to σ', p the polynomial through the last slopes. The state is those slopes, the latest
 * first.
 */
export function lms(config: Config, steps: number): Scheduler<readonly Tensor[]> {
  const name = 'LMSDiscreteScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, { rescales: false });
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const { timesteps, sigmas, initNoiseSigma } = readSigmaTable(options, schedule, steps, name, { spacing: true });
  const read = options.finish();

  return {
    name,
    config: read,
    timesteps,
    initNoiseSigma,
    start: [],
    ...varianceExploding(prediction, (index) => sigmas[index]),
    step(earlier, { index, modelOutput, sample }) {
      const denoised = denoise(prediction, sample, modelOutput, sigmas[index]);
      const slopes = [slope(sample, denoised, sigmas[index]), ...earlier].slice(0, order);
      const nodes = slopes.map((_, k) => sigmas[index - k]);
      const terms = slopes.map(
        (one, k) => [lagrangeIntegral(nodes, k, sigmas[index], sigmas[index + 1]), one] as const,
      );
      return { state: slopes, denoised, sample: add(sample, combine(terms)) };
    },
  };
}

/**
 * ∫ ℓ_k(τ) dτ, ℓ_k the Lagrange polynomial of node k. Gauss's rule with two points is exact up to the third degree,
 * that is for four nodes.
 */
function lagrangeIntegral(nodes: readonly number[], k: number, from: number, to: number): number {
  const polynomial = (tau: number): number =>
    nodes.reduce((product, node, j) => (j === k ? product : (product * (tau - node)) / (nodes[k] - node)), 1);
  const [middle, half] = [(from + to) / 2, (to - from) / 2];
  return half * (polynomial(middle - half / Math.sqrt(3)) + polynomial(middle + half / Math.sqrt(3)));
}
