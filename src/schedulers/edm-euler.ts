/** Euler's method with EDM's σ and preconditioning (arXiv 2206.00364; `diffusers.EDMEulerScheduler`). */
import { at } from '../tensor/at.ts';
import { checkNoiseSize, churned, type Churn } from './churn.ts';
import { readEdmTable } from './edm.ts';
import { eulerStep } from './euler.ts';
import { readOptions, type Config } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * A run of `eulerStep`, x̂₀ by `preconditioned`. First order.
 * @param steps how many, from 1
 * @param churn how much noise is added on the way down
 * @throws InputError for a config that it does not support
 */
export function edmEuler(config: Config, steps: number, churn: Churn = {}): Scheduler<undefined> {
  const name = 'EDMEulerScheduler';
  const options = readOptions(config, name);
  const { timesteps, sigmas, original, shared } = readEdmTable(options, steps, name, false);
  const read = options.finish();
  if (churn.sChurn) checkNoiseSize(name, sigmas, churn.sNoise);

  return {
    name,
    config: read,
    timesteps,
    start: undefined,
    ...shared,
    step(state, { index, modelOutput, sample, noise }) {
      const { x, sigma } = churned(sample, at(sigmas, index), churn, steps, noise);
      const denoised = original(x, modelOutput, sigma);
      return { state, denoised, sample: eulerStep(x, denoised, sigma, at(sigmas, index + 1)) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const EDMEulerScheduler: SchedulerEntry = {
  name: 'EDMEulerScheduler',
  short: 'edm-euler',
  summary: "Euler's method for models with EDM's preconditioning",
  source: 'Karras et al. 2022, arXiv 2206.00364',
  kind: 'edm',
  churns: true,
  create: (config, steps, churn) => edmEuler(config, steps, churn),
};
