/** The timesteps and noise levels of UniPC, whose keys and ends differ from those of the other solvers. */
import { InputError } from '../tensor/errors.ts';
import { at, lastOf } from '../tensor/at.ts';
import { chosenShift, readTerminal, shiftFlow, stretchToTerminal } from './flow.ts';
import type { NoiseSchedule } from './noise-schedule.ts';
import type { Options } from './options.ts';
import type { OwnSteps } from './own-steps.ts';
import {
  causeOf,
  endsOf,
  readSigmaEnds,
  readSigmaSpacing,
  spaceSigmas,
  trainingSigmas,
  type SigmaEnds,
} from './sigmas.ts';
import { spacingKeys, type WideSpacing } from './spacing-keys.ts';
import { evenSigmas, tableOf, wideSigmas, type SolverGrid, type SolverTable } from './solver-table.ts';
import { range, spacings } from './spacing.ts';

/**
 * Reads the keys of the timesteps and of σ. In a flow σ runs from almost 1; a λ of −∞ at σ = 1 would be of no use.
 * @param choices mu, the logarithm of the shift (or the shift, if time_shift_type is linear), where the config says
 *   use_dynamic_shifting; σ of a flow in place of even ones
 * @throws InputError for values that are not supported, or a missing mu
 */
export function readUnipcTable(
  options: Options,
  schedule: NoiseSchedule,
  steps: number,
  name: string,
  { mu, sigmas }: { readonly mu: number | undefined } & OwnSteps,
): SolverTable {
  const keys = readKeys(options, steps, name);
  const { isFlow, isDynamic, shiftType } = keys;
  const shift = isFlow || isDynamic ? chosenShift(name, 'flow_shift', keys.shift, { isDynamic, shiftType, mu }) : 1;
  if (sigmas) checkOwnSigmas(name, keys, sigmas);
  return isFlow ? flowTable(name, keys, schedule, { steps, shift, sigmas }) : noiseTable(name, keys, schedule, steps);
}

interface Keys {
  readonly spacing: WideSpacing | undefined;
  readonly isFlow: boolean;
  readonly shift: number;
  readonly grid: SolverGrid;
  readonly endsAtZero: boolean;
  readonly isDynamic: boolean;
  readonly shiftType: 'exponential' | 'linear';
  readonly ends: SigmaEnds;
  readonly terminal: number | undefined;
}

function readKeys(options: Options, steps: number, name: string): Keys {
  const spacing = readSigmaSpacing(options, name);
  const isFlow = options.flag('use_flow_sigmas', false);
  const shift = options.number('flow_shift', 1);
  const grid = {
    spacing: options.choice('timestep_spacing', spacings, 'linspace'),
    offset: options.count('steps_offset', 0),
    leastLambda: -Infinity,
  };
  const endsAtZero = options.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero') === 'zero';
  const isDynamic = options.flag('use_dynamic_shifting', false);
  const shiftType = options.choice('time_shift_type', ['exponential', 'linear'], 'exponential');
  const ends = readSigmaEnds(options);
  const terminal = readTerminal(options, name, steps);
  if (options.optionalNumber('shift_terminal') !== undefined && !isFlow)
    throw new InputError(`${name}: shift_terminal needs use_flow_sigmas`);
  if (isFlow && (spacing === 'exponential' || spacing === 'beta')) {
    throw new InputError(
      `${name}: use_flow_sigmas goes with use_karras_sigmas or alone, ` +
        `not with use_${spacing}_sigmas, whose σ lie beyond a flow's`,
    );
  }
  return { spacing, isFlow, shift, grid, endsAtZero, isDynamic, shiftType, ends, terminal };
}

/** σ of a flow: shifted, or Karras' σ/α turned into σ of a flow. */
function flowTable(
  name: string,
  keys: Keys,
  schedule: NoiseSchedule,
  { steps, shift, sigmas: own }: { steps: number; shift: number; sigmas: readonly number[] | undefined },
): SolverTable {
  const { trainTimesteps } = schedule;
  const training = trainingSigmas(schedule);
  const [largest, smallest] = endsOf(name, keys.ends, [lastOf(training), at(training, 0)]);
  const sigmas =
    keys.spacing === 'karras'
      ? spaceSigmas('karras', largest, smallest, steps).map((sigma) => sigma / (sigma + 1))
      : flowSigmas(own ?? evenFlow(steps, trainTimesteps), shift, keys.terminal);
  const timesteps = sigmas.map((sigma) => Math.trunc(sigma * trainTimesteps));
  const cause =
    keys.spacing === 'karras'
      ? causeOf(schedule.settings, keys.ends)
      : `a shift of ${shift} and num_train_timesteps = ${trainTimesteps}`;
  return tableOf(timesteps, [...sigmas, keys.endsAtZero ? 0 : lastOf(sigmas)], { isFlow: true, cause });
}

/** Even σ of a flow, from 1, without their end. */
function evenFlow(steps: number, trainTimesteps: number): readonly number[] {
  return range(1, 1 / trainTimesteps, steps + 1).slice(0, -1);
}

/** @throws InputError for σ of the user's own that are no flow's, or where the config has no flow, or spaces σ */
function checkOwnSigmas(name: string, { isFlow, spacing }: Keys, sigmas: readonly number[]): void {
  if (!isFlow) throw new InputError(`${name}: sigmas of your own need use_flow_sigmas, as in diffusers`);
  if (spacing)
    throw new InputError(`${name}: sigmas and ${spacingKeys[spacing]} exclude one another; one of them spaces σ`);
  const wrong = sigmas.find((sigma) => !(sigma > 0 && sigma <= 1));
  if (wrong !== undefined) throw new InputError(`${name}: sigmas has ${wrong}; expected σ of a flow, above 0 up to 1`);
}

function flowSigmas(even: readonly number[], shift: number, terminal: number | undefined): number[] {
  const shifted = even.map((sigma) => shiftFlow(sigma, shift));
  const sigmas = terminal === undefined ? shifted : stretchToTerminal(shifted, terminal);
  return sigmas.map((sigma, i) => (i === 0 && Math.abs(sigma - 1) < 1e-6 ? sigma - 1e-6 : sigma));
}

function noiseTable(
  name: string,
  { spacing, grid, endsAtZero, ends }: Keys,
  schedule: NoiseSchedule,
  steps: number,
): SolverTable {
  if (spacing === undefined) {
    const { timesteps, sigmas, training } = evenSigmas(schedule, steps, grid);
    const cause = schedule.settings;
    return tableOf(timesteps, [...sigmas, endsAtZero ? 0 : at(training, 0)], { isFlow: false, cause });
  }
  const training = trainingSigmas(schedule);
  const range = endsOf(name, ends, [lastOf(training), at(training, 0)]);
  const { timesteps, sigmas } = wideSigmas(schedule, steps, { spacing, rounds: spacing === 'karras', range });
  const cause = causeOf(schedule.settings, ends);
  return tableOf(timesteps, [...sigmas, endsAtZero ? 0 : lastOf(sigmas)], { isFlow: false, cause });
}
