/** A scheduler from its entry. */
import { anObject, text, withMethods } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { checked } from './checked.ts';
import { checkChoices, checkMu, countSteps, type SchedulerChoices } from './choices.ts';
import type { SchedulerEntry } from './entry.ts';
import { foreignKeys } from './foreign-keys.ts';
import { laterPart } from './later.ts';
import type { Config } from './options.ts';
import { aScheduler, type Scheduler } from './scheduler.ts';

const aConfig = anObject('an object, as { beta_start: 0.001 }');
const areChoices = anObject('an object, as { eta: 1 }');
const anEntry = withMethods<SchedulerEntry>('an entry of a scheduler, as DDIMScheduler', 'create');

/**
 * A run of one class, as `createScheduler` makes it of a config: a bundle that needs one scheduler holds no other.
 * @param entry as `DDIMScheduler`
 * @param config the keys of the class in diffusers; those that it does not have do nothing, and are named by `warnings`
 * @param steps how many; a whole number from 1, or undefined where the choices have steps of their own
 * @throws InputError for what is no entry and no config, for a choice or a value that the class does not have, and for
 *   a number of steps or choices that it cannot run with
 */
export function createSchedulerOf(
  entry: SchedulerEntry,
  config: Config,
  steps: number | undefined,
  choices: SchedulerChoices = {},
): Scheduler {
  anEntry('the entry', entry);
  text('the name of the entry', entry.name);
  aConfig('the config', config);
  areChoices('what is chosen', choices);
  checkChoices(entry.name, entry, choices);
  const count = countSteps(entry.name, entry, steps, choices);
  const scheduler = createFrom(choices.begin ?? 0, entry, config, count, choices);
  aScheduler(`what ${entry.name} creates`, scheduler);
  checkMu(entry.name, scheduler.config, choices);
  checkLevels(scheduler);
  return { ...checked(scheduler), warnings: foreignKeys(config, scheduler.config, scheduler.name) };
}

/** The run without its first `begin` steps. */
function createFrom(
  begin: number,
  { name, create, createLater }: SchedulerEntry,
  config: Config,
  steps: number,
  choices: SchedulerChoices,
): Scheduler {
  if (!Number.isInteger(begin) || begin < 0 || begin >= steps) {
    throw new InputError(
      `${name}: begin is ${begin} of ${steps} steps; expected a whole number from 0 to ${steps - 1}`,
    );
  }
  if (begin > 0 && createLater) return createLater(config, steps, begin);
  const whole = create(config, steps, choices);
  // Each step has as many calls, but that the last of several methods, to σ = 0, has one.
  return begin === 0 ? whole : laterPart(whole, begin * Math.ceil(whole.timesteps.length / steps));
}

/** @throws InputError where a config and a number of steps leave a call without a timestep or a level */
function checkLevels({ name, timesteps, levelAt }: Scheduler): void {
  timesteps.forEach((t, index) => {
    const { signal, noise } = levelAt(index);
    if (Number.isFinite(t) && Number.isFinite(signal) && Number.isFinite(noise)) return;
    throw new InputError(
      `${name}: call ${index} of the model would be at timestep ${t} with α = ${signal} and σ = ${noise}; ` +
        'expected finite numbers; change the config, or the number of steps',
    );
  });
}
