/** The timesteps and σ of a run, as the schedulers of k-diffusion have them in diffusers: Euler, Heun, LMS, KDPM2. */
import { exp, log } from '../tensor/math/index.ts';
import { at, lastOf } from '../tensor/at.ts';
import { linspace, type NoiseSchedule } from './noise-schedule.ts';
import type { Options } from './options.ts';
import {
  causeOf,
  checkSigmas,
  endsOf,
  interpolate,
  readSigmaEnds,
  readSigmaSpacing,
  spaceSigmas,
  timestepOfSigma,
  trainingSigmas,
  type SigmaEnds,
  type WideSpacing,
} from './sigmas.ts';
import { f32 } from './single.ts';
import { fractionalTimesteps, roundHalfEven, spacings } from './spacing.ts';

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
  const ends: SigmaEnds = has.ends ? readSigmaEnds(options) : {};
  const interpolation = has.ends ? options.choice('interpolation_type', ['linear', 'log_linear'], 'linear') : 'linear';
  const final = has.ends ? options.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero') : 'zero';

  const table = trainingSigmas(schedule);
  const timestepOf = timestepOfSigma(table);
  let timesteps = fractionalTimesteps(grid, schedule.trainTimesteps, steps, offset);
  let sigmas =
    interpolation === 'linear'
      ? timesteps.map((t) => interpolate(table, t))
      : [...linspace(log(lastOf(table)), log(at(table, 0)), steps + 1)].map((value) => f32(exp(value)));
  if (spacing) {
    const [largest, smallest] = endsOf(scheduler, ends, [at(sigmas, 0), lastOf(sigmas)]);
    sigmas = spaceSigmas(spacing, largest, smallest, steps);
    timesteps = sigmas.map(timestepOf).map(has.kdpm2 ? storedByKdpm2(spacing) : f32);
  }
  // Log-linear σ are one more than the steps: the last is that of the result.
  const rounded = [...sigmas, final === 'zero' ? 0 : at(table, 0)].slice(0, timesteps.length + 1).map(f32);
  const largest = rounded.reduce((a, b) => Math.max(a, b));
  const initNoiseSigma = grid === 'leading' ? f32(Math.sqrt(f32(f32(largest * largest) + 1))) : largest;
  const cause = causeOf(schedule.settings, spacing ? ends : {});
  checkSigmas(scheduler, rounded.slice(0, -1), cause);
  return { timesteps, sigmas: rounded, timestepOf, initNoiseSigma, cause };
}

function storedByKdpm2(spacing: WideSpacing): (timestep: number) => number {
  return spacing === 'karras' ? roundHalfEven : (timestep) => timestep;
}
