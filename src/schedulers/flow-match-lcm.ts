/** Consistency models of a flow (Luo et al. 2023, arXiv 2310.04378; `diffusers.FlowMatchLCMScheduler`). */
import { InputError } from '../tensor/errors.ts';
import { flowMatchRun } from './flow-match-euler.ts';
import { readOptions, type Config } from './options.ts';
import type { OwnSteps } from './own-steps.ts';
import type { SchedulerEntry } from './entry.ts';
import type { Scheduler } from './scheduler.ts';

/** The values of upscale_mode. */
const upscaleModes = ['nearest', 'linear', 'bilinear', 'bicubic', 'trilinear', 'area', 'nearest-exact'] as const;

/**
 * A run of LCM on a flow: to x̂₀ at once, then up to the next σ with fresh noise, x' = (1 − σ') x̂₀ + σ' z. The last
 * step, to σ' = 0, draws noise as well, as in diffusers. Pictures of one size only.
 * @param steps how many, from 1
 * @param mu as of `flowMatchEuler`, like the steps of one's own
 * @throws InputError for a config that it does not support, among them one with scale_factors, or a missing mu
 */
export function flowMatchLcm(config: Config, steps: number, mu?: number, own: OwnSteps = {}): Scheduler<undefined> {
  const name = 'FlowMatchLCMScheduler';
  const options = readOptions(config, name);
  options.choice('upscale_mode', upscaleModes, 'bicubic');
  const factors = options.numbers('scale_factors');
  if (factors && factors.length > 0)
    throw new InputError(`${name}: scale_factors is [${factors}]; it draws pictures of one size, expected null`);
  return flowMatchRun(options, name, steps, { mu, own, isStochastic: true });
}

/** What is known of it before it is created, and how it is. */
export const FlowMatchLCMScheduler: SchedulerEntry = {
  name: 'FlowMatchLCMScheduler',
  short: 'flow-match-lcm',
  summary: 'for consistency models of a flow: to x̂₀ at once, then noise again',
  source: 'Luo et al. 2023, arXiv 2310.04378',
  kind: 'flow',
  own: { timesteps: true, sigmas: 'steps' },
  create: (config, steps, { mu, ...own }) => flowMatchLcm(config, steps, mu, own),
};
