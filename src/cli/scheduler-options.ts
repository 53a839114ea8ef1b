/** The options of a command that choose a scheduler, its steps, and how much noise it adds. */
import { InputError } from '../tensor/errors.ts';
import { stepsLeftOut } from '../sampling/from-picture.ts';
import { countSteps, type SchedulerChoices } from '../schedulers/choices.ts';
import type { Config } from '../schedulers/options.ts';
import type { SchedulerEntry } from '../schedulers/entry.ts';
import { createScheduler, schedulerDefaults, schedulers } from '../schedulers/registry.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { warn } from './messages.ts';
import { assumedText, chooseScheduler, schedulerClass, schedulerNamed } from './model.ts';
import { seedsOf } from './noise.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';

/** The options that choose a scheduler. */
export const schedulerOptions: OptionKinds = {
  scheduler: 'text',
  'scheduler-config': 'text',
  steps: 'number',
  timesteps: 'text',
  sigmas: 'text',
  'sigma-spacing': 'text',
  eta: 'number',
  's-churn': 'number',
  's-tmin': 'number',
  's-tmax': 'number',
  's-noise': 'number',
};

/** The names of the schedulers of which this is true, as a list. */
function shortsOf(condition: (entry: SchedulerEntry, className: string) => boolean): string {
  return Object.entries(schedulers)
    .filter(([className, entry]) => condition(entry, className))
    .map(([, { short }]) => short)
    .join(', ');
}

/** The schedulers that have an η, the least of them first. */
function etasText(): string {
  const etas = Object.values(schedulers).flatMap(({ eta }) => (eta === undefined ? [] : [eta]));
  return [...new Set(etas)]
    .sort((a, b) => a - b)
    .map((eta) => `${shortsOf((one) => one.eta === eta)} (${eta})`)
    .join(', ');
}

/**
 * The part of a command's help that explains which scheduler it is, and how many steps it has. Every class is tried for
 * it, which takes a while: it is for those who ask for help.
 * @param unasked which one it is where none is asked for
 */
export function stepsHelp(unasked = "the model's own"): string {
  const callingMore = shortsOf(({ create }) => create({}, 10, {}).timesteps.length > 10);
  return `\
  --scheduler NAME                of pag schedulers; it takes over what the model was trained with (${unasked})
  --scheduler-config FILE.json    a scheduler_config.json of diffusers
  --steps N                       how many steps (20); more calls of the model have
                                  ${callingMore}`;
}

/** The part that explains --eta. */
export function etaHelp(): string {
  return `  --eta E                         how much noise is added: of ${etasText()}`;
}

/** The part of a command's help that explains all of them. @param unasked as of `stepsHelp` */
export function schedulerHelp(unasked?: string): string {
  const churning = shortsOf(({ churns }) => churns === true);
  const endingInSigma = shortsOf(({ own }) => own?.sigmas === 'steps and end');
  return `\
${stepsHelp(unasked)}
  --timesteps 999,500,...         or steps at timesteps of your own, with schedulers that take them (see pag schedulers)
  --sigmas 14.6,...,0             or at σ of your own; of ${endingInSigma} with that of the result
  --sigma-spacing NAME            karras, exponential or beta: how σ are spaced between the largest and the smallest
${etaHelp()}
  --s-churn S                     how much noise ${churning} add on the way down (0), where σ is
  --s-tmin T, --s-tmax T          between these (0 and no end), of
  --s-noise S                     this deviation (1)`;
}

/** A scheduler for a run, and how many steps it has. */
export interface ChosenScheduler {
  readonly scheduler: Scheduler;
  readonly stepCount: number;
  /** How many of them are left out at the beginning. */
  readonly begin: number;
}

/**
 * The scheduler that the options ask for.
 * @param ofModel the config of the model's own
 * @param strength how much of a picture is redrawn that the run begins with; 1 for a run from noise
 * @throws InputError for options that the scheduler would not look at, or cannot run with
 */
export async function chooseRun(
  options: ParsedOptions,
  ofModel: Config | undefined,
  strength = 1,
): Promise<ChosenScheduler> {
  const eta = options.number('eta', 0);
  const chosen = await chooseScheduler(options.text('scheduler'), options.text('scheduler-config'), ofModel);
  const className = chosen['_class_name'];
  checkEta(eta, className);
  const config = spaced(chosen, spacingOf(options));
  const own = { timesteps: numbersOf(options, 'timesteps'), sigmas: numbersOf(options, 'sigmas') };
  const hasOwn = own.timesteps !== undefined || own.sigmas !== undefined;
  const steps = options.integer('steps', 1) ?? (hasOwn ? undefined : 20);
  const entry = schedulerNamed(className);
  const whole: SchedulerChoices = defined({
    eta,
    ...own,
    sChurn: options.number('s-churn', 0),
    sTmin: options.number('s-tmin', 0),
    sTmax: options.number('s-tmax', 0),
    sNoise: options.number('s-noise', 0),
    noiseSeed: entry?.seeded ? seedsOf(options) : undefined,
  });
  const stepCount = countSteps(`${className}`, entry ?? {}, steps, whole);
  // Steps of a consistency model lie between the strength and the end, as many as are asked for.
  const spreads = entry?.strength === true && strength < 1 && !hasOwn;
  const begin = spreads ? 0 : stepsLeftOut(stepCount, strength);
  const scheduler = createScheduler(config, steps, { ...whole, ...(spreads ? { strength } : { begin }) });
  warn([...assumedText(options, ofModel), ...(scheduler.warnings ?? [])]);
  return { scheduler, stepCount, begin };
}

/**
 * Checks what can be known of the options whatever the model is.
 * @throws InputError for a name that there is not, and for what are no numbers
 */
export function checkSchedulerOptions(options: ParsedOptions): void {
  const name = options.text('scheduler');
  if (name !== undefined) schedulerClass(name);
  spacingOf(options);
  for (const own of ['timesteps', 'sigmas']) numbersOf(options, own);
}

const spacingOf = (options: ParsedOptions) => options.choice('sigma-spacing', ['karras', 'exponential', 'beta']);

/** Refuses an η that the scheduler would not look at. */
function checkEta(eta: number | undefined, className: unknown): void {
  const entry = schedulerNamed(className);
  if (eta === undefined || !entry || entry.eta !== undefined) return;
  throw new InputError(`--eta does nothing with ${entry.short}; it is of ${shortsOf((one) => one.eta !== undefined)}`);
}

const spacingKeys = { karras: 'use_karras_sigmas', exponential: 'use_exponential_sigmas', beta: 'use_beta_sigmas' };

/** The config with another spacing of σ. @throws InputError where its class has none to choose */
function spaced(config: Config, spacing: keyof typeof spacingKeys | undefined): Config {
  const entry = schedulerNamed(config['_class_name']);
  if (spacing === undefined || !entry) return config;
  const keysOf = (className: string): Config => schedulerDefaults(className);
  const keys = keysOf(`${config['_class_name']}`);
  // EDM's classes have another key for it, without beta.
  if (Object.hasOwn(keys, 'sigma_schedule')) return { ...config, sigma_schedule: spacing };
  if (!Object.hasOwn(keys, spacingKeys[spacing])) {
    const having = shortsOf((_, className) => Object.hasOwn(keysOf(className), spacingKeys[spacing]));
    throw new InputError(`--sigma-spacing ${spacing} does nothing with ${entry.short}; it is of ${having}`);
  }
  const others = [...Object.values(spacingKeys), 'use_lu_lambdas'].filter((key) => Object.hasOwn(keys, key));
  return { ...config, ...Object.fromEntries(others.map((key) => [key, key === spacingKeys[spacing]])) };
}

/** Numbers between commas. */
function numbersOf(options: ParsedOptions, name: string): readonly number[] | undefined {
  return options.list(name)?.map((text) => {
    const value = text === '' ? NaN : Number(text);
    if (!Number.isFinite(value)) throw new InputError(`--${name} has "${text}"; expected numbers between commas`);
    return value;
  });
}

/** The entries that have a value. */
function defined<T extends object>(all: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as T;
}
