/** The timesteps and noise levels of UniPC, whose keys and ends differ from those of the other solvers. */
import { exp } from '../tensor/math/index.ts';
import { InputError } from '../tensor/errors.ts';
import type { NoiseSchedule } from './noise-schedule.ts';
import type { Options } from './options.ts';
import { readSigmaSpacing, shiftFlow, spaceSigmas, stretchToTerminal, trainingSigmas } from './sigmas.ts';
import { evenSigmas, tableOf, wideSigmas, type SolverTable } from './solver-table.ts';
import { range, spacings } from './spacing.ts';

/** Reads the keys of the timesteps and of σ. In a flow σ runs from almost 1; a λ of −∞ at σ = 1 would be of no use. */
export function readUnipcTable(
  options: Options,
  schedule: NoiseSchedule,
  steps: number,
  name: string,
  mu: number | undefined,
): SolverTable {
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
  const [least, most] = [options.optionalNumber('sigma_min'), options.optionalNumber('sigma_max')];
  const terminal = options.optionalNumber('shift_terminal');
  if (terminal !== undefined && !isFlow) throw new InputError(`${name}: shift_terminal needs use_flow_sigmas`);
  if (isFlow && (spacing === 'exponential' || spacing === 'beta')) {
    throw new InputError(
      `${name}: use_flow_sigmas goes with use_karras_sigmas or alone, not with use_${spacing}_sigmas, whose σ lie beyond a flow's`,
    );
  }
  if (isDynamic && mu === undefined)
    throw new InputError(`${name}: use_dynamic_shifting needs a mu, the logarithm of the shift`);

  const training = trainingSigmas(schedule);
  const { trainTimesteps } = schedule;
  if (isFlow) {
    const sigmas =
      spacing === 'karras'
        ? spaceSigmas('karras', most ?? training[training.length - 1], least ?? training[0], steps).map(
            (sigma) => sigma / (sigma + 1),
          )
        : flowLevels(
            steps,
            trainTimesteps,
            isDynamic ? (shiftType === 'exponential' ? exp(mu!) : mu!) : shift,
            terminal,
          );
    const timesteps = sigmas.map((sigma) => Math.trunc(sigma * trainTimesteps));
    return tableOf(timesteps, [...sigmas, endsAtZero ? 0 : sigmas[sigmas.length - 1]], true);
  }
  if (spacing === undefined) {
    const { timesteps, sigmas } = evenSigmas(schedule, steps, grid);
    return tableOf(timesteps, [...sigmas, endsAtZero ? 0 : training[0]]);
  }
  const { timesteps, sigmas } = wideSigmas(schedule, steps, spacing, spacing === 'karras', most, least);
  return tableOf(timesteps, [...sigmas, endsAtZero ? 0 : sigmas[sigmas.length - 1]]);
}

function flowLevels(steps: number, trainTimesteps: number, shift: number, terminal: number | undefined): number[] {
  const shifted = range(1, 1 / trainTimesteps, steps + 1)
    .slice(0, -1)
    .map((sigma) => shiftFlow(sigma, shift));
  const sigmas = terminal === undefined || terminal === 0 ? shifted : stretchToTerminal(shifted, terminal);
  return sigmas.map((sigma, i) => (i === 0 && Math.abs(sigma - 1) < 1e-6 ? sigma - 1e-6 : sigma));
}
