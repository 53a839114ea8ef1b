/**
 * The timesteps and noise levels of a run, as the solvers in log-SNR have them in diffusers: DPM-Solver, UniPC, DEIS.
 */
import { exp, log } from '../tensor/math/index.ts';
import { InputError } from '../tensor/errors.ts';
import { at, lastOf } from '../tensor/at.ts';
import { checkShift, shiftFlow } from './flow.ts';
import type { NoiseLevel } from './level.ts';
import type { NoiseSchedule } from './noise-schedule.ts';
import type { Options } from './options.ts';
import { checkTimesteps, refuseSpaced, type OwnSteps } from './own-steps.ts';
import {
  checkFalling,
  interpolate,
  endsOf,
  foreignEnds,
  readSigmaSpacing,
  spaceSigmas,
  timestepOfSigma,
  trainingSigmas,
} from './sigmas.ts';
import { spacingKeys, type WideSpacing } from './spacing-keys.ts';
import { f32 } from './single.ts';
import { range, roundHalfEven, solverTimesteps, type Spacing } from './spacing.ts';

/**
 * x_t = signal · x₀ + noise · ε, and half its logarithmic signal-to-noise ratio λ = ln(signal/noise): ∞ without noise.
 */
export interface SolverLevel extends NoiseLevel {
  /** λ. */
  readonly lambda: number;
}

/** The calls of a run. */
export interface SolverTable {
  /** What the model is given, one number for each call. */
  readonly timesteps: readonly number[];
  /** One for each timestep and, last, that of the result. */
  readonly levels: readonly SolverLevel[];
  /** The settings that they follow from, for messages. */
  readonly cause: string;
}

/** signal = 1/√(σ² + 1), noise = σ · signal; in a flow signal = 1 − σ, noise = σ. */
function solverLevel(sigma: number, isFlow: boolean): SolverLevel {
  const signal = isFlow ? 1 - sigma : 1 / Math.sqrt(sigma * sigma + 1);
  const noise = isFlow ? sigma : sigma * signal;
  return { signal, noise, lambda: log(signal) - log(noise) };
}

/** A table from σ, which PyTorch holds in float32. @param sigmas one for each timestep and, last, that of the result */
export function tableOf(
  timesteps: readonly number[],
  sigmas: readonly number[],
  { isFlow, cause }: { readonly isFlow: boolean; readonly cause: string },
): SolverTable {
  return { timesteps, levels: sigmas.map((sigma) => solverLevel(f32(sigma), isFlow)), cause };
}

/**
 * Refuses calls from which no step leads, since their λ is not finite: without noise, or without a picture; and, where
 * noise is added on the way, a λ that falls.
 * @throws InputError that names the settings, the call and its level
 */
export function checkSolverLevels(scheduler: string, { levels, cause }: SolverTable, addsNoise: boolean): void {
  const calls = levels.slice(0, -1);
  calls.forEach(({ signal, noise, lambda }, index) => {
    if (Number.isFinite(lambda) && f32((noise / signal) ** 2) < Infinity) return;
    throw new InputError(
      `${scheduler}: with ${cause} call ${index} of the model is at α = ${signal} and σ = ${noise}; ` +
        'expected both above 0, and (σ/α)² finite',
    );
  });
  const end = lastOf(levels);
  if (!(end.lambda > -Infinity))
    throw new InputError(
      `${scheduler}: with ${cause} the run ends at α = ${end.signal} and σ = ${end.noise}, where no picture is; ` +
        'set final_sigmas_type to "zero"',
    );
  const sigmas = calls.map(({ signal, noise }) => noise / signal);
  if (addsNoise) checkFalling(scheduler, sigmas, cause);
}

/** How a config spaces the timesteps. */
export interface SolverGrid {
  /** timestep_spacing. */
  readonly spacing: Spacing;
  /** steps_offset. */
  readonly offset: number;
  /** λ below which the training's timesteps are left out. */
  readonly leastLambda: number;
}

/** The calls of a run by σ; the σ after the last is the solver's own choice. */
export interface SpacedSigmas {
  readonly timesteps: readonly number[];
  /** σ of each, falling. */
  readonly sigmas: readonly number[];
  /** σ of the training's timesteps, rising. */
  readonly training: Float32Array;
  /** The settings that σ follow from, for messages. */
  readonly cause: string;
}

/** What a config says of timesteps and σ. */
export interface SigmaRule {
  /** How σ are spaced; undefined for those of evenly spaced timesteps. */
  readonly spacing: WideSpacing | 'lu' | 'flow' | undefined;
  /** Where the timesteps are spaced. */
  readonly grid: SolverGrid;
  /** Of a flow. */
  readonly shift: number;
  /** Whether timesteps found for σ are rounded; otherwise they are cut off. */
  readonly rounds: boolean;
  /** The largest and the smallest of spaced σ, where the config has them from another class. */
  readonly ends?: readonly [largest: number, smallest: number] | undefined;
  /** Timesteps of the user's own, whole ones, in place of evenly spaced ones. */
  readonly own?: readonly number[] | undefined;
}

/**
 * The table of a run as the config says.
 * @param endOf σ of the result
 * @throws InputError where there are fewer timesteps than steps
 */
export function solverTable(
  schedule: NoiseSchedule,
  steps: number,
  rule: SigmaRule,
  endOf: (spaced: SpacedSigmas) => number,
): SolverTable {
  const spaced = solverSigmas(schedule, steps, rule);
  const isFlow = rule.spacing === 'flow';
  return tableOf(spaced.timesteps, [...spaced.sigmas, endOf(spaced)], { isFlow, cause: spaced.cause });
}

/** The smallest σ: of evenly spaced timesteps that of the training, else the last, which is repeated. */
export function smallestSigma({ spacing }: SigmaRule): (spaced: SpacedSigmas) => number {
  return ({ training, sigmas }) => (spacing === undefined ? at(training, 0) : lastOf(sigmas));
}

/** σ of a run as the config says. @throws InputError where there are fewer timesteps than steps */
function solverSigmas(
  schedule: NoiseSchedule,
  steps: number,
  { spacing, grid, shift, rounds, ends, own }: SigmaRule,
): SpacedSigmas {
  switch (spacing) {
    case undefined:
      return own ? sigmasOf(schedule, own) : evenSigmas(schedule, steps, grid);
    case 'flow':
      return flowSigmas(schedule, steps, shift);
    default:
      return wideSigmas(schedule, steps, { spacing, rounds, ...(ends && { range: ends }) });
  }
}

/** σ of evenly spaced timesteps. @throws InputError where there are fewer timesteps than steps */
export function evenSigmas(
  schedule: NoiseSchedule,
  steps: number,
  { spacing, offset, leastLambda }: SolverGrid,
): SpacedSigmas {
  const training = trainingSigmas(schedule);
  const last = countUsed(training, leastLambda);
  const timesteps = solverTimesteps(spacing, schedule.trainTimesteps, last, steps, offset);
  const sigmas = timesteps.map((t) => interpolate(training, t));
  return { timesteps, sigmas, training, cause: schedule.settings };
}

/** How many timesteps of the training lie at λ of at least `leastLambda`. @throws InputError where none does */
export function countUsed(training: Float32Array, leastLambda: number): number {
  if (leastLambda === -Infinity) return training.length;
  const used = training.filter((sigma) => -log(sigma) >= leastLambda).length;
  if (used < 1) throw new InputError(`lambda_min_clipped = ${leastLambda} leaves out every timestep of the training`);
  return used;
}

/** σ of the user's own timesteps. */
function sigmasOf(schedule: NoiseSchedule, timesteps: readonly number[]): SpacedSigmas {
  const training = trainingSigmas(schedule);
  const sigmas = timesteps.map((t) => interpolate(training, t));
  return { timesteps, sigmas, training, cause: `timesteps of your own and ${schedule.settings}` };
}

/**
 * The timesteps of the user's own, where there are some.
 * @param spacing what the config says
 * @throws InputError for a config whose σ are spaced otherwise, and for what is no timestep of the training
 */
export function solverOwn(
  scheduler: string,
  own: OwnSteps,
  spacing: WideSpacing | 'lu' | 'flow' | undefined,
  { trainTimesteps }: NoiseSchedule,
): readonly number[] | undefined {
  refuseSpaced(scheduler, own, spacing && spacingKeys[spacing]);
  return own.timesteps && checkTimesteps(scheduler, own.timesteps, { most: trainTimesteps - 1, whole: true });
}

/** How σ are spread out. */
export interface WideRule {
  /** How they are spaced. */
  readonly spacing: WideSpacing | 'lu';
  /** Whether timesteps found for σ are rounded; otherwise they are cut off. */
  readonly rounds: boolean;
  /** The largest and the smallest, where they are not those of the training. */
  readonly range?: readonly [largest: number, smallest: number];
}

/**
 * σ from the largest to the smallest, by default those of the training. Timesteps are whole numbers: rounded, or cut
 * off.
 */
export function wideSigmas(
  schedule: NoiseSchedule,
  steps: number,
  { spacing, rounds, range: ends }: WideRule,
): SpacedSigmas {
  const training = trainingSigmas(schedule);
  const [largest, smallest] = ends ?? [lastOf(training), at(training, 0)];
  const sigmas =
    spacing === 'lu'
      ? // even steps of λ (Lu et al. 2022, arXiv 2206.00927)
        range(f32(log(largest)), f32(log(smallest)), steps).map(exp)
      : spaceSigmas(spacing, largest, smallest, steps);
  return {
    timesteps: sigmas.map(timestepOfSigma(training)).map(rounds ? roundHalfEven : Math.trunc),
    sigmas,
    training,
    cause: schedule.settings,
  };
}

/** σ of a flow, from noise to picture, as DPM-Solver and DEIS have them. */
function flowSigmas(schedule: NoiseSchedule, steps: number, shift: number): SpacedSigmas {
  const { trainTimesteps } = schedule;
  const sigmas = range(1, 1 / trainTimesteps, steps + 1)
    .map((alpha) => shiftFlow(1 - alpha, shift))
    .reverse()
    .slice(0, -1);
  return {
    timesteps: sigmas.map((sigma) => Math.trunc(sigma * trainTimesteps)),
    sigmas,
    training: trainingSigmas(schedule),
    cause: `flow_shift = ${shift} and num_train_timesteps = ${trainTimesteps}`,
  };
}

/** The ends of spaced σ that another class has left in a config; undefined where it has left none. */
export function readForeignEnds(
  options: Options,
  scheduler: string,
  spacing: WideSpacing | 'lu' | 'flow' | undefined,
  schedule: NoiseSchedule,
): SigmaRule['ends'] {
  const ends = foreignEnds(options, scheduler, spacing);
  if (ends.least === undefined && ends.most === undefined) return undefined;
  const training = trainingSigmas(schedule);
  return endsOf(scheduler, ends, [lastOf(training), at(training, 0)]);
}

/**
 * Reads the keys of σ's spacing, flow_shift, use_dynamic_shifting, time_shift_type.
 * @param further the spacings that the class has beside Karras', exponential and beta
 * @param mu the logarithm of the shift, where it is dynamic
 * @throws InputError for values that are not supported
 */
export function readSolverSpacing<Further extends 'lu' | 'flow'>(
  options: Options,
  scheduler: string,
  further: readonly Further[],
  mu: number | undefined,
): { readonly spacing: WideSpacing | Further | undefined; readonly shift: number } {
  const spacing = readSigmaSpacing(options, scheduler, further);
  const shift = options.number('flow_shift', 1);
  const isDynamic = options.flag('use_dynamic_shifting', false);
  options.choice('time_shift_type', ['exponential'], 'exponential');
  if (spacing !== 'flow') return { spacing, shift };
  const isChosen = isDynamic && mu !== undefined;
  const [key, given] = isChosen ? (['mu', mu] as const) : (['flow_shift', shift] as const);
  return { spacing, shift: checkShift(scheduler, key, given, isChosen ? exp(mu) : shift) };
}
