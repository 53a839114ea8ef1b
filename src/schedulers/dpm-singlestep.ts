/**
 * DPM-Solver and DPM-Solver++, singlestep (Lu et al. 2022, arXiv 2206.00927 and 2211.01095;
 * `diffusers.DPMSolverSinglestepScheduler`).
 */
import { divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at, lastOf } from '../tensor/at.ts';
import { varianceTypes } from './ddpm-variance.ts';
import { checkReach, checkSolver } from './dpm-multistep.ts';
import { foreignSolverTypes, solverStep, solverTypes, type SolverRule } from './exponential-integrator.ts';
import { checkLambdasApart, checkEnd, levelsBack, readOrder, ruleOfOrder } from './multistep.ts';
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
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * A step of DPM-Solver of order k from the beginning of a block, with the k outputs in it (arXiv 2206.00927,
 * algorithms 1 and 2, whose several calls are the block).
 * @param x at the beginning of the block, like the outputs m and z [B,C,H,W]
 * @param outputs the latest first: as many as the order, from 1 to 3; the last is that of x
 * @param levels that of x', and those of the outputs
 * @param z standard normal, for the algorithm of the SDE
 */
export function singlestepStep(
  rule: SolverRule,
  x: Tensor,
  outputs: readonly Tensor[],
  levels: readonly SolverLevel[],
  z?: Tensor,
): Tensor {
  const lambdas = levels.map(({ lambda }) => lambda);
  const differences = blockDifferences(outputs, lambdas, rule.solver === 'midpoint');
  const order = outputs.length;
  return solverStep(ruleOfOrder(order, rule), at(levels, order), at(levels, 0), x, differences, z);
}

/**
 * D₀, D₁, D₂ at the beginning of a block, by differences of the outputs in it.
 * @param outputs the latest first: as many as the order, the last that of the block's beginning
 * @param lambdas λ' at the end of the step, and λ of each output
 * @param isMidpoint in the third order: D₁ by the outer two outputs alone, and no D₂
 */
function blockDifferences(outputs: readonly Tensor[], lambdas: readonly number[], isMidpoint: boolean): Tensor[] {
  const [m0, m1, m2] = outputs;
  if (!m0 || !m1) return [...outputs];
  const first = m2 ?? m1;
  const begin = at(lambdas, outputs.length);
  const h = at(lambdas, 0) - begin;
  const ratio = (k: number): number => (at(lambdas, k) - begin) / h;
  const r0 = ratio(1);
  const outer = scale(subtract(m0, first), 1 / r0);
  if (!m2 || isMidpoint) return [first, outer];
  const r1 = ratio(2);
  const inner = scale(subtract(m1, first), 1 / r1);
  const bend = scale(subtract(outer, inner), 2);
  return [first, divideBy(subtract(scale(inner, r0), scale(outer, r1)), r0 - r1), divideBy(bend, r0 - r1)];
}

interface State {
  /** The model's outputs, the latest first. */
  readonly outputs: readonly Tensor[];
  /** The sample at the start of the present block of steps. */
  readonly begin?: Tensor;
}

/**
 * A run of `singlestepStep`. Steps come in blocks of 1, 2, … `solver_order`: step k of a block goes from the block's
 * beginning, with k outputs of the model, so a block is one singlestep of that order. The last block is shorter where
 * the steps do not divide.
 * @param steps how many, from 1
 * @param mu the logarithm of flow_shift, where the config says use_dynamic_shifting
 * @param ownSteps timesteps in place of evenly spaced ones: whole numbers
 * @throws InputError for a config or a number of steps that it does not support
 */
export function dpmSinglestep(config: Config, steps: number, mu?: number, ownSteps: OwnSteps = {}): Scheduler<State> {
  const name = 'DPMSolverSinglestepScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, { rescales: false });
  const order = readOrder(options, name);
  const model = readSolverModel(options);
  const algorithm = options.choice('algorithm_type', ['dpmsolver', 'dpmsolver++', 'sde-dpmsolver++'], 'dpmsolver++', {
    deis: 'dpmsolver++',
  });
  const solver = options.choice('solver_type', solverTypes, 'midpoint', foreignSolverTypes);
  const lowersFinal = options.flag('lower_order_final', false);
  const { spacing, shift } = readSolverSpacing(options, name, ['flow'], mu);
  const ends = readForeignEnds(options, name, spacing, schedule);
  const final = options.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  const leastLambda = options.number('lambda_min_clipped', -Infinity);
  // What DDPM has, too: here only a learned one is set apart from the prediction.
  options.optionalChoice('variance_type', varianceTypes);
  const read = options.finish();
  checkSolver(name, algorithm, final, order, model.prediction);

  const grid = { spacing: 'linspace', offset: 0, leastLambda } as const;
  const rounds = spacing === 'karras';
  const own = solverOwn(name, ownSteps, spacing, schedule);
  const rule = { spacing, grid, shift, rounds, ends, own };
  const table = solverTable(schedule, steps, rule, ({ training }) => (final === 'zero' ? 0 : at(training, 0)));
  const { timesteps, levels, cause } = table;
  checkSolverLevels(name, table, algorithm.startsWith('sde'));
  const orders = blockOrders(order, steps, lowersFinal, final === 'zero');
  checkLambdasApart(name, levels, orders);
  checkEnd(name, levels, { order: lastOf(orders), atRest: 3, cause });
  checkReach(name, algorithm, levels, cause);
  const toOutput = solverOutput(model, algorithm);

  return {
    name,
    config: read,
    timesteps,
    start: { outputs: [] },
    ...variancePreserving(model.prediction, levels.slice(0, -1)),
    step(state, { index, modelOutput, sample, noise }) {
      const level = at(levels, index);
      const outputs = [toOutput(sample, modelOutput, level), ...state.outputs].slice(0, order);
      const used = outputs.slice(0, at(orders, index));
      const begin = used.length === 1 || !state.begin ? sample : state.begin;
      const z = algorithm === 'sde-dpmsolver++' ? noise(sample.shape) : undefined;
      const path = levelsBack(levels, index, used.length);
      return {
        state: { outputs, begin },
        denoised: model.original(sample, modelOutput, level),
        sample: singlestepStep({ algorithm, solver }, begin, used, path, z),
      };
    },
  };
}

/** The order of each step. The last one is 1 where it goes to σ = 0, or ends a full block and the config lowers it. */
function blockOrders(order: number, steps: number, lowersFinal: boolean, endsAtZero: boolean): number[] {
  const orders = Array.from({ length: steps }, (_, i) => (i % order) + 1);
  const endsLow = endsAtZero || (lowersFinal && steps % order === 0);
  return endsLow ? [...orders.slice(0, -1), 1] : orders;
}

/** What is known of it before it is created, and how it is. */
export const DPMSolverSinglestepScheduler: SchedulerEntry = {
  name: 'DPMSolverSinglestepScheduler',
  short: 'dpm-singlestep',
  summary: 'DPM-Solver and DPM-Solver++ in blocks of 1 to 3 calls',
  source: 'Lu et al. 2022, arXiv 2206.00927, 2211.01095',
  kind: 'discrete',
  own: { timesteps: true },
  create: (config, steps, { mu, ...own }) => dpmSinglestep(config, steps, mu, own),
};
