/** What a run chooses that stands in no config: checked before a scheduler is created. */
import { InputError } from '../tensor/errors.ts';
import type { Churn } from './churn.ts';
import type { NoiseSeed } from './motion.ts';
import type { Config } from './options.ts';
import type { OwnSteps } from './own-steps.ts';

/** What a run chooses that stands in no config. */
export interface SchedulerChoices extends OwnSteps, Churn {
  /** How much noise is added, from 0, of the schedulers that have an η; by default the `eta` of their entry. */
  readonly eta?: number;
  /**
   * The logarithm of the shift of a flow (or the shift, where time_shift_type is linear), where the config says
   * use_dynamic_shifting.
   */
  readonly mu?: number;
  /**
   * How many steps are left out at the beginning (0), because the run begins with a picture that is noised in part;
   * fewer than there are.
   */
  readonly begin?: number;
  /**
   * How much of a picture is redrawn that the run begins with, above 0, to 1, of the schedulers that space all their
   * steps by it (`strength` of their entry); the others leave out steps (`begin`).
   */
  readonly strength?: number;
  /**
   * The seed of the noise of the schedulers that have one of their own (`seeded` of their entry), or one for each
   * sample. Without it they draw from the noise of the run.
   */
  readonly noiseSeed?: NoiseSeed;
}

/** Which choices a class of schedulers has. */
export interface ChoicesOfClass {
  /** η unless the run chooses another; undefined where there is none to choose. */
  readonly eta?: number;
  /** The largest η, where there is one: with the noise of DDPM there is none left to add. */
  readonly mostEta?: number;
  /** Which steps of the user's own it takes. */
  readonly own?: {
    /** Timesteps. */
    readonly timesteps?: true;
    /** σ: one for each step, or these and that of the result. */
    readonly sigmas?: 'steps' | 'steps and end';
  };
  /** Whether it takes sChurn, sTmin, sTmax and sNoise; or, since it adds noise anyhow, sNoise alone. */
  readonly churns?: true | 'sNoise';
  /** Whether it takes a strength: that part of the distillation, from its beginning, has all the steps. */
  readonly strength?: true;
  /** Whether its noise is a Brownian motion with a seed of its own. */
  readonly seeded?: true;
}

const names: Readonly<Record<keyof SchedulerChoices, true>> = {
  eta: true,
  mu: true,
  begin: true,
  strength: true,
  noiseSeed: true,
  timesteps: true,
  sigmas: true,
  sChurn: true,
  sTmin: true,
  sTmax: true,
  sNoise: true,
};

/** The most steps that a run may have. */
const mostSteps = 1_000_000;

/**
 * How many steps a run has: as many as are asked for, or as the user's own.
 * @throws InputError for what is no number of steps, or not that of the steps that are given
 */
export function countSteps(
  name: string,
  { own }: ChoicesOfClass,
  steps: number | undefined,
  { timesteps, sigmas }: SchedulerChoices,
): number {
  const given = timesteps?.length ?? (sigmas && sigmas.length - (own?.sigmas === 'steps and end' ? 1 : 0));
  const count = steps ?? given;
  if (given === 0)
    throw new InputError(`${name}: sigmas has 1 number, that of the result; expected σ of a step before it, as 14.6,0`);
  if (count === undefined || !Number.isInteger(count) || count < 1 || count > mostSteps)
    throw new InputError(`${name}: ${count} steps are asked for; expected a whole number from 1 to ${mostSteps}`);
  if (given !== undefined && given !== count)
    throw new InputError(
      `${name}: ${count} steps are asked for, but ${timesteps ? 'timesteps' : 'sigmas'} says ${given}; ` +
        'leave the number of steps out',
    );
  return count;
}

/** @throws InputError for a choice that is not known, that the class does not have, or that is beyond its range */
export function checkChoices(name: string, ofClass: ChoicesOfClass, choices: SchedulerChoices): void {
  for (const key of Object.keys(choices))
    if (!Object.hasOwn(names, key))
      throw new InputError(`${name}: unknown choice "${key}" of a run; there are ${Object.keys(names).join(', ')}`);
  checkEta(name, ofClass, choices);
  checkOwn(name, ofClass, choices);
  checkChurn(name, ofClass, choices);
  checkStrength(name, ofClass, choices);
  const { mu = 0, noiseSeed } = choices;
  if (noiseSeed !== undefined && !ofClass.seeded)
    throw new InputError(`${name} has no noise of a seed of its own; leave noiseSeed out, and seed the run's noise`);
  if (!Number.isFinite(mu)) throw new InputError(`${name}: mu is ${mu}; expected a finite number`);
}

/** @throws InputError for a mu that would change nothing. @param read the config, as it was read */
export function checkMu(name: string, read: Config, { mu }: SchedulerChoices): void {
  if (mu === undefined || read['use_dynamic_shifting'] === true) return;
  if (!Object.hasOwn(read, 'use_dynamic_shifting'))
    throw new InputError(`${name} has no mu, but ${mu} is given; it is of flows whose shift depends on the picture`);
  throw new InputError(`${name}: a mu is given, ${mu}, but the config does not set use_dynamic_shifting`);
}

function checkEta(
  name: string,
  { mostEta = Number.MAX_VALUE, eta: ofClass }: ChoicesOfClass,
  { eta = 0 }: SchedulerChoices,
) {
  if (!(eta >= 0 && eta <= mostEta)) {
    const most = mostEta === Number.MAX_VALUE ? '' : ` to ${mostEta}`;
    throw new InputError(`${name}: eta is ${eta}; expected a finite number from 0${most}`);
  }
  if (eta !== 0 && ofClass === undefined) {
    throw new InputError(`${name} has no eta, but ${eta} is given; it adds as much noise as its method says, or none`);
  }
}

function checkOwn(name: string, { own = {} }: ChoicesOfClass, { timesteps, sigmas }: SchedulerChoices): void {
  for (const [key, list] of Object.entries({ timesteps, sigmas })) {
    if (list === undefined) continue;
    if (!Object.hasOwn(own, key)) {
      const other = Object.keys(own);
      const taken = other.length > 0 ? `; it takes ${other.join(' and ')}` : '';
      throw new InputError(`${name} takes no ${key} of your own, as in diffusers${taken}`);
    }
    const isList = Array.isArray(list) && list.length > 0 && list.every(Number.isFinite);
    if (!isList) throw new InputError(`${name}: ${key} is no list of finite numbers with at least one of them`);
  }
  if (timesteps && sigmas && own.sigmas === 'steps and end')
    throw new InputError(`${name}: timesteps and sigmas exclude one another; each says where the steps are`);
  if (timesteps && sigmas && timesteps.length !== sigmas.length)
    throw new InputError(
      `${name}: there are ${timesteps.length} timesteps and ${sigmas.length} sigmas; expected as many`,
    );
}

function checkChurn(
  name: string,
  { churns }: ChoicesOfClass,
  { sChurn, sTmin, sTmax, sNoise }: SchedulerChoices,
): void {
  for (const [key, value] of Object.entries({ sChurn, sTmin, sTmax, sNoise })) {
    if (value === undefined) continue;
    if (!churns) throw new InputError(`${name} has no ${key}, but ${value} is given; it adds no noise on the way down`);
    if (churns === 'sNoise' && key !== churns)
      throw new InputError(`${name} has no ${key}, but ${value} is given; it adds noise in every step, times sNoise`);
    const least = key === 'sTmax' ? (sTmin ?? 0) : 0;
    if (!(value >= least) || (value === Infinity && key !== 'sTmax'))
      throw new InputError(`${name}: ${key} is ${value}; expected a finite number from ${least}`);
  }
}

function checkStrength(name: string, ofClass: ChoicesOfClass, { strength, begin = 0 }: SchedulerChoices): void {
  if (strength === undefined) return;
  if (!ofClass.strength)
    throw new InputError(`${name} has no strength, but ${strength} is given; begin says how many steps are left out`);
  if (!(strength > 0 && strength <= 1))
    throw new InputError(`${name}: strength is ${strength}; expected a number above 0, to 1`);
  if (begin !== 0)
    throw new InputError(`${name}: strength and begin exclude one another; each says how much of a picture is redrawn`);
}
