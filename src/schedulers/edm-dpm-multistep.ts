/**
 * DPM-Solver++ with EDM's σ and preconditioning (arXiv 2206.00364, 2211.01095;
 * `diffusers.EDMDPMSolverMultistepScheduler`).
 */
import { log } from '../tensor/math/index.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at, lastOf } from '../tensor/at.ts';
import { readEdmTable } from './edm.ts';
import { foreignSolverTypes, solverTypes } from './exponential-integrator.ts';
import { readThreshold } from './limit.ts';
import { checkApart, checkEnd, levelsBack, multistepStep, orderAtRest, ordersOf, readOrder } from './multistep.ts';
import { readOptions, type Config } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * A run of `multistepStep` where the signal is 1 and the noise σ, x̂₀ by `preconditioned`. The state is the last x̂₀,
 * the latest first.
 * @param steps how many, from 1
 * @throws InputError for a config that it does not support
 */
export function edmDpmMultistep(config: Config, steps: number): Scheduler<readonly Tensor[]> {
  const name = 'EDMDPMSolverMultistepScheduler';
  const options = readOptions(config, name);
  const { timesteps, sigmas, original, shared } = readEdmTable(options, steps, name, true);
  const order = readOrder(options, name);
  const threshold = readThreshold(options);
  const algorithm = options.choice('algorithm_type', ['dpmsolver++', 'sde-dpmsolver++'], 'dpmsolver++', {
    deis: 'dpmsolver++',
  });
  const solver = options.choice('solver_type', solverTypes, 'midpoint', foreignSolverTypes);
  const lowersFinal = options.flag('lower_order_final', true);
  const eulerAtFinal = options.flag('euler_at_final', false);
  const read = options.finish();
  if (algorithm === 'sde-dpmsolver++' && order === 3)
    throw new InputError(`${name}: sde-dpmsolver++ has the orders 1 and 2, but solver_order is 3`);

  const levels = sigmas.map((sigma) => ({ signal: 1, noise: sigma, lambda: -log(sigma) }));
  const rule = { order, lowersFinal, eulerAtFinal: eulerAtFinal || lastOf(sigmas) === 0 };
  const orders = ordersOf(rule, timesteps.length);
  const cause = `sigma_min = ${read['sigma_min']}`;
  checkApart(name, sigmas.slice(0, -1), orders);
  checkEnd(name, levels, { order: lastOf(orders), atRest: orderAtRest(solver), cause });
  return {
    name,
    config: read,
    timesteps,
    start: [],
    ...shared,
    step(earlier, { index, modelOutput, sample, noise }) {
      const free = original(sample, modelOutput, at(sigmas, index));
      const denoised = threshold ? threshold(free) : free;
      const outputs = [denoised, ...earlier].slice(0, order);
      const used = outputs.slice(0, at(orders, index));
      const z = algorithm === 'sde-dpmsolver++' ? noise(sample.shape) : undefined;
      const path = levelsBack(levels, index, used.length);
      return { state: outputs, denoised, sample: multistepStep({ algorithm, solver }, sample, used, path, z) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const EDMDPMSolverMultistepScheduler: SchedulerEntry = {
  name: 'EDMDPMSolverMultistepScheduler',
  short: 'edm-dpm',
  summary: "DPM-Solver++ for models with EDM's preconditioning",
  source: 'arXiv 2206.00364 and 2211.01095',
  kind: 'edm',
  create: (config, steps) => edmDpmMultistep(config, steps),
};
