/**
 * DPM-Solver and DPM-Solver++ backwards, from a picture to its noise (Lu et al. 2022, arXiv 2206.00927 and 2211.01095,
 * whose ODE runs both ways; `diffusers.DPMSolverMultistepInverseScheduler`).
 */
import { at, lastOf } from '../tensor/at.ts';
import { varianceTypes } from './ddpm-variance.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { foreignSolverTypes, solverTypes } from './exponential-integrator.ts';
import { checkLambdasApart, levelsBack, multistepStep, ordersOf, readOrder } from './multistep.ts';
import { commonBetaSchedules, readNoiseSchedule, type NoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config, type Options } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { interpolate, readSigmaSpacing, trainingSigmas } from './sigmas.ts';
import { readSolverModel, solverOutput } from './solver-model.ts';
import { countUsed, readForeignEnds, tableOf, wideSigmas, type SolverGrid, type SolverTable } from './solver-table.ts';
import { range, roundHalfEven, solverTimesteps, spacings } from './spacing.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * A run of `multistepStep` from the least noise to the most. The state is the model's last outputs, the latest first.
 * Where two of Karras' σ have one timestep, diffusers leaves out a call and goes on with σ of other calls; here there
 * are as many calls as steps. The last of spaced σ is repeated, as there, so that the last step stands still.
 * @param steps how many, from 1
 * @throws InputError for a config or a number of steps that it does not support
 */
export function dpmMultistepInverse(config: Config, steps: number): Scheduler<readonly Tensor[]> {
  const name = 'DPMSolverMultistepInverseScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, { rescales: false });
  const order = readOrder(options, name);
  const model = readSolverModel(options);
  const algorithm = readAlgorithm(options, model.prediction, name);
  const solver = options.choice('solver_type', solverTypes, 'midpoint', foreignSolverTypes);
  const lowersFinal = options.flag('lower_order_final', true);
  const eulerAtFinal = options.flag('euler_at_final', false);
  const { timesteps, levels, standsStill } = readTable(options, schedule, steps, name);
  options.optionalChoice('variance_type', varianceTypes);
  const read = options.finish();

  const orders = ordersOf({ order, lowersFinal, eulerAtFinal: eulerAtFinal || standsStill }, timesteps.length);
  checkLambdasApart(name, levels, orders);
  const toOutput = solverOutput(model, algorithm);
  return {
    name,
    config: read,
    timesteps,
    start: [],
    ...variancePreserving(model.prediction, levels.slice(0, -1)),
    step(earlier, { index, modelOutput, sample }) {
      const level = at(levels, index);
      const outputs = [toOutput(sample, modelOutput, level), ...earlier].slice(0, order);
      const used = outputs.slice(0, at(orders, index));
      return {
        state: outputs,
        denoised: model.original(sample, modelOutput, level),
        sample: multistepStep({ algorithm, solver }, sample, used, levelsBack(levels, index, used.length)),
      };
    },
  };
}

/** @throws InputError for what has no way back: an SDE, whose noise would need a negative variance, and flows */
function readAlgorithm(options: Options, prediction: string, name: string): 'dpmsolver' | 'dpmsolver++' {
  const known = ['dpmsolver', 'dpmsolver++', 'sde-dpmsolver', 'sde-dpmsolver++'] as const;
  const algorithm = options.choice('algorithm_type', known, 'dpmsolver++', { deis: 'dpmsolver++' });
  if (prediction === 'flow_prediction')
    throw new InputError(`${name}: prediction_type is "flow_prediction", but it inverts no flows; expected another`);
  if (algorithm === 'dpmsolver' || algorithm === 'dpmsolver++') return algorithm;
  throw new InputError(
    `${name}: algorithm_type "${algorithm}" is an SDE, which has no way back; expected dpmsolver or dpmsolver++`,
  );
}

/** The calls, from the least noise to the most. */
interface InverseTable extends SolverTable {
  /** The last step ends where it begins. */
  readonly standsStill: boolean;
}

/** Reads the keys of timesteps and σ. @throws InputError for values that are not supported */
function readTable(options: Options, schedule: NoiseSchedule, steps: number, name: string): InverseTable {
  const spacing = readSigmaSpacing(options, name, ['flow']);
  options.number('flow_shift', 1);
  const grid = {
    leastLambda: options.number('lambda_min_clipped', -Infinity),
    spacing: options.choice('timestep_spacing', spacings, 'linspace'),
    offset: options.count('steps_offset', 0),
  };
  if (spacing === 'flow')
    throw new InputError(`${name}: use_flow_sigmas gives diffusers a table from noise to picture; expected false`);
  const training = trainingSigmas(schedule);
  if (at(training, 0) === 0) throw new InputError(`${name}: β of timestep 0 is 0, but it begins there, at a λ of ∞`);
  if (spacing !== undefined) {
    if (readForeignEnds(options, name, spacing, schedule))
      throw new InputError(
        `${name}: sigma_min and sigma_max, of another class, would turn the spaced σ round; expected none`,
      );
    const [least, most] = [at(training, 0), lastOf(training)];
    const rule = { spacing, rounds: spacing === 'karras', range: [least, most] } as const;
    const { timesteps, sigmas, cause } = wideSigmas(schedule, steps, rule);
    return { ...tableOf(timesteps, [...sigmas, lastOf(sigmas)], { isFlow: false, cause }), standsStill: true };
  }
  const last = countUsed(training, grid.leastLambda);
  const timesteps = risingTimesteps(grid, schedule.trainTimesteps, last, steps, name);
  const sigmas = [...timesteps, last - 1].map((t) => interpolate(training, t));
  return { ...tableOf(timesteps, sigmas, { isFlow: false, cause: schedule.settings }), standsStill: false };
}

/** From timestep 0, or near it. @param last how many of the training's timesteps are used */
function risingTimesteps(
  { spacing, offset }: SolverGrid,
  trainTimesteps: number,
  last: number,
  steps: number,
  name: string,
): readonly number[] {
  // Refuses too many steps, whatever the spacing.
  const falling = solverTimesteps(spacing, trainTimesteps, last, steps, offset);
  switch (spacing) {
    case 'linspace':
      return range(0, last - 1, steps + 1)
        .slice(0, -1)
        .map(roundHalfEven);
    case 'leading': {
      const ratio = Math.floor(last / (steps + 1));
      const timesteps = Array.from({ length: steps }, (_, i) => i * ratio + offset);
      if (lastOf(timesteps) < trainTimesteps) return timesteps;
      throw new InputError(
        `${name}: steps_offset = ${offset} moves the last of ${steps} steps to timestep ${lastOf(timesteps)}, ` +
          `beyond the last, ${trainTimesteps - 1}`,
      );
    }
    case 'trailing':
      return falling.filter((t) => t >= 0).reverse();
  }
}

/** What is known of it before it is created, and how it is. */
export const DPMSolverMultistepInverseScheduler: SchedulerEntry = {
  name: 'DPMSolverMultistepInverseScheduler',
  short: 'dpm-inverse',
  summary: 'DPM-Solver backwards: from a picture, given as the noise, to its noise',
  source: 'Lu et al. 2022, arXiv 2206.00927, 2211.01095',
  kind: 'discrete',
  create: (config, steps) => dpmMultistepInverse(config, steps),
};
