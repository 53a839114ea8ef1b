/**
 * DPM-Solver and DPM-Solver++, multistep (Lu et al. 2022, arXiv 2206.00927 and 2211.01095;
 * `diffusers.DPMSolverMultistepScheduler`).
 */
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at, lastOf } from '../tensor/at.ts';
import { varianceTypes } from './ddpm-variance.ts';
import { algorithmTypes, foreignSolverTypes, solverTypes } from './exponential-integrator.ts';
import {
  checkLambdasApart,
  checkEnd,
  levelsBack,
  multistepStep,
  orderAtRest,
  ordersOf,
  readOrder,
} from './multistep.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import type { OwnSteps } from './own-steps.ts';
import type { Scheduler } from './scheduler.ts';
import { readSolverModel, solverOutput } from './solver-model.ts';
import {
  readForeignEnds,
  checkSolverLevels,
  readSolverSpacing,
  solverOwn,
  solverTable,
  type SolverLevel,
} from './solver-table.ts';
import { spacings } from './spacing.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * A run of `multistepStep`: a step of order k uses the model's last k outputs and costs one call. The state is those
 * outputs, the latest first. `solver_order` 3 is in fact of second order, though often nearer: see backwardDifferences.
 * @param steps how many, from 1
 * @param mu the logarithm of flow_shift, where the config says use_dynamic_shifting
 * @param ownSteps timesteps in place of evenly spaced ones: whole numbers
 * @throws InputError for a config or a number of steps that it does not support
 */
export function dpmMultistep(
  config: Config,
  steps: number,
  mu?: number,
  ownSteps: OwnSteps = {},
): Scheduler<readonly Tensor[]> {
  const name = 'DPMSolverMultistepScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name);
  const order = readOrder(options, name);
  const model = readSolverModel(options);
  const algorithm = options.choice('algorithm_type', algorithmTypes, 'dpmsolver++', { deis: 'dpmsolver++' });
  const solver = options.choice('solver_type', solverTypes, 'midpoint', foreignSolverTypes);
  const lowersFinal = options.flag('lower_order_final', true);
  const eulerAtFinal = options.flag('euler_at_final', false);
  const { spacing, shift } = readSolverSpacing(options, name, ['lu', 'flow'], mu);
  const ends = readForeignEnds(options, name, spacing, schedule);
  const final = options.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  const leastLambda = options.number('lambda_min_clipped', -Infinity);
  // What DDPM has, too: here only a learned one is set apart from the prediction.
  options.optionalChoice('variance_type', varianceTypes);
  const grid = {
    spacing: options.choice('timestep_spacing', spacings, 'linspace'),
    offset: options.count('steps_offset', 0),
    leastLambda,
  };
  const read = options.finish();
  checkSolver(name, algorithm, final, order, model.prediction);

  const rounds = (spacing === 'karras' || spacing === 'lu') && read['beta_schedule'] !== 'squaredcos_cap_v2';
  const rule = { spacing, grid, shift, rounds, ends, own: solverOwn(name, ownSteps, spacing, schedule) };
  const table = solverTable(schedule, steps, rule, ({ training }) => (final === 'zero' ? 0 : at(training, 0)));
  const { timesteps, levels, cause } = table;
  checkSolverLevels(name, table, algorithm.startsWith('sde'));
  const orders = ordersOf({ order, lowersFinal, eulerAtFinal: eulerAtFinal || final === 'zero' }, timesteps.length);
  checkLambdasApart(name, levels, orders);
  checkEnd(name, levels, { order: lastOf(orders), atRest: orderAtRest(solver), cause });
  checkReach(name, algorithm, levels, cause);
  const toOutput = solverOutput(model, algorithm);

  return {
    name,
    config: read,
    timesteps,
    start: [],
    ...variancePreserving(model.prediction, levels.slice(0, -1)),
    step(earlier, { index, modelOutput, sample, noise }) {
      const level = at(levels, index);
      const outputs = [toOutput(sample, modelOutput, level), ...earlier].slice(0, order);
      const used = outputs.slice(0, at(orders, index));
      const z = algorithm.startsWith('sde') ? noise(sample.shape) : undefined;
      const path = levelsBack(levels, index, used.length);
      return {
        state: outputs,
        denoised: model.original(sample, modelOutput, level),
        sample: multistepStep({ algorithm, solver }, sample, used, path, z),
      };
    },
  };
}

/** Refuses the end at σ = 0 for solvers of ε, however it comes about. @throws InputError that names the settings */
export function checkReach(name: string, algorithm: string, levels: readonly SolverLevel[], cause: string): void {
  if (!algorithm.endsWith('++') && lastOf(levels).noise === 0)
    throw new InputError(`${name}: with ${cause} the run ends at σ = 0, which "${algorithm}" cannot reach`);
}

/** @throws InputError for what the solver cannot do: to reach σ = 0 with ε, or an order that it does not have */
export function checkSolver(name: string, algorithm: string, final: string, order: number, prediction: string): void {
  const ofNoise = !algorithm.endsWith('++');
  if (ofNoise && final === 'zero') {
    throw new InputError(
      `${name}: final_sigmas_type "zero" needs algorithm_type dpmsolver++ or sde-dpmsolver++; ` +
        `with "${algorithm}" use "sigma_min"`,
    );
  }
  if (algorithm === 'sde-dpmsolver' && order === 3)
    throw new InputError(`${name}: sde-dpmsolver has the orders 1 and 2, but solver_order is 3`);
  if (ofNoise && prediction === 'flow_prediction') {
    throw new InputError(
      `${name}: prediction_type "flow_prediction" needs algorithm_type dpmsolver++ or sde-dpmsolver++`,
    );
  }
}

/** What is known of it before it is created, and how it is. */
export const DPMSolverMultistepScheduler: SchedulerEntry = {
  name: 'DPMSolverMultistepScheduler',
  short: 'dpm',
  summary: 'DPM-Solver and DPM-Solver++, of the ODE or the SDE, orders 1 to 3, one call a step',
  source: 'Lu et al. 2022, arXiv 2206.00927, 2211.01095',
  kind: 'discrete',
  own: { timesteps: true },
  create: (config, steps, { mu, ...own }) => dpmMultistep(config, steps, mu, own),
};
