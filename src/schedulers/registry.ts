/** All schedulers by the name of their class in diffusers. */
import { InputError } from '../tensor/errors.ts';
import { ddim } from './ddim.ts';
import { ddpm } from './ddpm.ts';
import type { Config } from './options.ts';
import type { Scheduler } from './scheduler.ts';

export interface SchedulerChoices {
  /** η of DDIM: how much of the noise of DDPM it adds. */
  readonly eta?: number;
}

const schedulers: Readonly<Record<string, (config: Config, steps: number, choices: SchedulerChoices) => Scheduler>> = {
  DDIMScheduler: (config, steps, { eta }) => ddim(config, steps, eta),
  DDPMScheduler: (config, steps) => ddpm(config, steps),
};

export const schedulerNames: readonly string[] = Object.keys(schedulers);

/**
 * The scheduler that a `scheduler_config.json` describes.
 * @throws InputError for an unknown class, key or value, with those that are known
 */
export function createScheduler(config: Config, steps: number, choices: SchedulerChoices = {}): Scheduler {
  const name = config['_class_name'];
  if (typeof name !== 'string' || !Object.hasOwn(schedulers, name)) {
    throw new InputError(`the scheduler ${JSON.stringify(name) ?? 'without a _class_name'} is not known; known are ${schedulerNames.join(', ')}`);
  }
  return schedulers[name](config, steps, choices);
}
