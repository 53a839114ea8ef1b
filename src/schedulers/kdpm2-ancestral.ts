/** KDPM2 with ancestral noise (k-diffusion's `sample_dpm_2_ancestral`; `diffusers.KDPM2AncestralDiscreteScheduler`). */
import type { Config } from './options.ts';
import { midpointMethod, type MidpointState } from './midpoint.ts';
import type { Scheduler } from './scheduler.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * The midpoint method down to σ_down, then noise up to σ'.
 * @param steps how many, from 1 to the timesteps of the training
 * @param eta η, from 0: 1 as in diffusers; 0 for KDPM2
 * @throws InputError for a config or a number of steps that it does not support
 */
export function kdpm2Ancestral(config: Config, steps: number, eta = 1): Scheduler<MidpointState> {
  return midpointMethod('KDPM2AncestralDiscreteScheduler', config, steps, eta);
}

/** What is known of it before it is created, and how it is. */
export const KDPM2AncestralDiscreteScheduler: SchedulerEntry = {
  name: 'KDPM2AncestralDiscreteScheduler',
  short: 'kdpm2-ancestral',
  summary: 'KDPM2 down, then noise up',
  source: 'k-diffusion, sample_dpm_2_ancestral',
  kind: 'discrete',
  eta: 1,
  create: (config, steps, { eta }) => kdpm2Ancestral(config, steps, eta),
};
