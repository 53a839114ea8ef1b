/** The timesteps and σ of a run, as the schedulers of k-diffusion have them in diffusers: Euler, Heun, LMS, KDPM2. */
import { InputError } from '../tensor/errors.ts';
import { exp, log } from '../tensor/math/index.ts';
import { at, lastOf } from '../tensor/at.ts';
import { linspace, type NoiseSchedule } from './noise-schedule.ts';
import type { Options } from './options.ts';
import { checkTimesteps, refuseSpaced, type OwnSteps } from './own-steps.ts';
import {
  causeOf,
  checkSigmas,
  endsOf,
  interpolate,
  foreignEnds,
  readSigmaEnds,
  readSigmaSpacing,
  spaceSigmas,
  timestepOfSigma,
  trainingSigmas,
  type SigmaEnds,
} from './sigmas.ts';
import { spacingKeys, type WideSpacing } from './spacing-keys.ts';
import { f32 } from './single.ts';
import { fractionalTimesteps, roundHalfEven, spacings, type Spacing } from './spacing.ts';

/** The steps of a run. */
export interface SigmaTable {
  /** One for each step. */
  readonly timesteps: readonly number[];
  /** σ of each step and, last, that of the result. Float32 values, as in PyTorch. */
  readonly sigmas: readonly number[];
  /** The first picture is standard normal noise times this. */
  readonly initNoiseSigma: number;
  /** The settings that σ follow from, for messages. */
  readonly cause: string;
  /** The timestep of a σ between those of the training. */
  timestepOf(sigma: number): number;
}

/** What some of the classes have and others do not. */
export interface SigmaTableKeys {
  /** use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas. */
  readonly spacing?: boolean;
  /** sigma_min, sigma_max, interpolation_type, final_sigmas_type. */
  readonly ends?: boolean;
  /** Steps of the user's own, where the class takes them. */
  readonly own?: OwnSteps;
  /** Spaced σ have timesteps of double precision, and Karras' whole ones. In other classes they are float32. */
  readonly kdpm2?: boolean;
}

/**
 * Reads timestep_spacing, steps_offset and the keys that `has` names.
 * @throws InputError for values that are not supported, or where there are fewer timesteps than steps
 */
export function readSigmaTable(
  options: Options,
  schedule: NoiseSchedule,
  steps: number,
  scheduler: string,
  has: SigmaTableKeys = {},
): SigmaTable {
  const grid = options.choice('timestep_spacing', spacings, 'linspace');
  const offset = options.count('steps_offset', 0);
  const spacing = has.spacing ? readSigmaSpacing(options, scheduler) : undefined;
  const ends: SigmaEnds = has.ends ? readSigmaEnds(options) : foreignEnds(options, scheduler, spacing);
  const interpolation = has.ends ? options.choice('interpolation_type', ['linear', 'log_linear'], 'linear') : 'linear';
  const final = has.ends ? options.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero') : 'zero';

  const table = trainingSigmas(schedule);
  const timestepOf = timestepOfSigma(table);
  const own = has.own ?? {};
  refuseSpaced(scheduler, own, spacing && spacingKeys[spacing]);
  const even = (): readonly number[] => {
    const { trainTimesteps } = schedule;
    if (!own.timesteps) return fractionalTimesteps(grid, trainTimesteps, steps, offset);
    return checkTimesteps(scheduler, own.timesteps, { most: trainTimesteps - 1 }).map(f32);
  };
  const places = (): Pick<SigmaTable, 'timesteps' | 'sigmas'> => {
    if (own.sigmas) {
      const sigmas = own.sigmas.map(f32);
      return { timesteps: sigmas.slice(0, -1).map(timestepOfSigma(table, f32)).map(f32), sigmas };
    }
    const timesteps = even();
    const end = final === 'zero' ? 0 : at(table, 0);
    // Log-linear σ are one more than the steps: the last is that of the result.
    const logLinear = [...linspace(log(lastOf(table)), log(at(table, 0)), steps + 1)].map((value) => f32(exp(value)));
    const sigmas = interpolation === 'linear' ? timesteps.map((t) => interpolate(table, t)) : logLinear;
    if (!spacing) return { timesteps, sigmas: [...sigmas, end].slice(0, steps + 1) };
    const [largest, smallest] = endsOf(scheduler, ends, [at(sigmas, 0), lastOf(sigmas)]);
    const spaced = spaceSigmas(spacing, largest, smallest, steps);
    return {
      timesteps: spaced.map(timestepOf).map(has.kdpm2 ? storedByKdpm2(spacing) : f32),
      sigmas: [...spaced, end],
    };
  };

  const { timesteps, sigmas: exact } = places();
  const sigmas = exact.map(f32);
  const largest = sigmas.reduce((a, b) => Math.max(a, b));
  const initNoiseSigma = firstDeviation(grid, largest);
  const cause = own.sigmas ? 'sigmas of your own' : causeOf(schedule.settings, spacing ? ends : {});
  checkSigmas(scheduler, sigmas.slice(0, -1), cause);
  if (!(lastOf(sigmas) >= 0))
    throw new InputError(`${scheduler}: sigmas ends with ${lastOf(sigmas)}; expected the σ of the result, from 0`);
  return { timesteps, sigmas, timestepOf, initNoiseSigma, cause };
}

/**
 * What the first noise is multiplied by: σ, or √(σ² + 1) where the timesteps begin below the last of the training.
 * @param sigma the largest σ of the run
 */
export function firstDeviation(grid: Spacing, sigma: number): number {
  return grid === 'leading' ? f32(Math.sqrt(f32(f32(sigma * sigma) + 1))) : sigma;
}

function storedByKdpm2(spacing: WideSpacing): (timestep: number) => number {
  return spacing === 'karras' ? roundHalfEven : (timestep) => timestep;
}
