/**
 * DPM-Solver-2 as k-diffusion has it: the midpoint method in log σ (arXiv 2206.00927;
 * `diffusers.KDPM2DiscreteScheduler`).
 */
import type { Config } from './options.ts';
import { midpointMethod, type MidpointState } from './midpoint.ts';
import type { Scheduler } from './scheduler.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * Half a step, to the geometric mean of σ and σ'; then the whole step with the slope found there. Second order.
 * @param steps how many, from 1 to the timesteps of the training
 * @throws InputError for a config or a number of steps that it does not support
 */
export function kdpm2(config: Config, steps: number): Scheduler<MidpointState> {
  return midpointMethod('KDPM2DiscreteScheduler', config, steps, 0);
}

/** What is known of it before it is created, and how it is. */
export const KDPM2DiscreteScheduler: SchedulerEntry = {
  name: 'KDPM2DiscreteScheduler',
  short: 'kdpm2',
  summary: 'the midpoint method in log σ; second order, two calls a step',
  source: 'k-diffusion, sample_dpm_2, after arXiv 2206.00927',
  kind: 'discrete',
  create: (config, steps) => kdpm2(config, steps),
};
