/**
 * SDE-DPM-Solver++ for models of v in continuous time with EDM's preconditioning (arXiv 2211.01095 and 2206.00364, as
 * Stable Audio has it, arXiv 2407.14358; `diffusers.CosineDPMSolverMultistepScheduler`).
 */
import { at, lastOf } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import { log } from '../tensor/math/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { angleTime } from './angle-time.ts';
import { readEdmTable } from './edm.ts';
import { foreignSolverTypes, solverTypes } from './exponential-integrator.ts';
import { seededNoise, type NoiseSeed } from './motion.ts';
import { checkApart, levelsBack, multistepStep, ordersOf } from './multistep.ts';
import { readOptions, type Config } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { f32 } from './single.ts';
import type { SchedulerEntry } from './entry.ts';

const defaults = { least: 0.3, most: 500, sigmaData: 1, schedule: 'exponential', prediction: 'v_prediction' } as const;

/**
 * A run of `multistepStep` where the signal is 1 and the noise σ, x̂₀ by `preconditioned`. The state is the last x̂₀,
 * the latest first. The noise is that of a Brownian motion over σ: with a seed that of torchsde, as in diffusers, whose
 * seed is that of the run's generator; without one a fresh draw a step, which has the same law. None is drawn where a
 * step ends at σ = 0 or where it begins.
 * @param steps how many, from 1
 * @param seed of the motion
 * @throws InputError for a config or a seed that it does not support
 */
export function cosineDpmMultistep(config: Config, steps: number, seed?: NoiseSeed): Scheduler<readonly Tensor[]> {
  const name = 'CosineDPMSolverMultistepScheduler';
  const options = readOptions(config, name);
  const table = readEdmTable(options, steps, name, true, defaults);
  const order = options.count('solver_order', 2);
  if (order < 1 || order > 2) throw new InputError(`${name}: solver_order is ${order}; supported are 1, 2`);
  const solver = options.choice('solver_type', solverTypes, 'midpoint', foreignSolverTypes);
  const lowersFinal = options.flag('lower_order_final', true);
  const eulerAtFinal = options.flag('euler_at_final', false);
  const read = options.finish();

  // By a rounding σ_min may lie above the last σ.
  const last = lastOf(table.sigmas.slice(0, -1));
  const sigmas = [...table.sigmas.slice(0, -1), Math.min(lastOf(table.sigmas), last)];
  const levels = sigmas.map((sigma) => ({ signal: 1, noise: sigma, lambda: -log(sigma) }));
  const endsLow = lastOf(sigmas) === 0 || lastOf(sigmas) === last;
  const orders = ordersOf({ order, lowersFinal, eulerAtFinal: eulerAtFinal || endsLow }, steps);
  checkApart(name, sigmas.slice(0, -1), orders);
  const seeded = seededNoise(name, seed, f32(Number(read['sigma_min'])), f32(Number(read['sigma_max'])));
  return {
    name,
    config: read,
    timesteps: sigmas.slice(0, -1).map((sigma) => angleTime(sigma, 1)),
    start: [],
    ...table.shared,
    step(earlier, { index, modelOutput, sample, noise }) {
      const [sigma, next] = [at(sigmas, index), at(sigmas, index + 1)];
      const denoised = table.original(sample, modelOutput, sigma);
      const outputs = [denoised, ...earlier].slice(0, order);
      const used = outputs.slice(0, at(orders, index));
      const addsNoise = next > 0 && next < sigma;
      const z = addsNoise ? (seeded?.(sample, sigma, next) ?? noise(sample.shape)) : undefined;
      const path = levelsBack(levels, index, used.length);
      const rule = { algorithm: 'sde-dpmsolver++', solver } as const;
      return { state: outputs, denoised, sample: multistepStep(rule, sample, used, path, z) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const CosineDPMSolverMultistepScheduler: SchedulerEntry = {
  name: 'CosineDPMSolverMultistepScheduler',
  short: 'cosine-dpm',
  summary: 'SDE-DPM-Solver++ for models of v in continuous time, on the noise of a Brownian motion',
  source: 'arXiv 2211.01095 and 2206.00364, as in Stable Audio, arXiv 2407.14358',
  kind: 'continuous',
  seeded: true,
  create: (config, steps, { noiseSeed }) => cosineDpmMultistep(config, steps, noiseSeed),
};
