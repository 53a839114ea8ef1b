/**
 * SA-Solver: stochastic Adams, a predictor and a corrector (Xue et al. 2023, arXiv 2309.05019;
 * `diffusers.SASolverScheduler`).
 */
import { add, addScaled, combine, scale } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { varianceTypes } from './ddpm-variance.ts';
import { InputError } from '../tensor/errors.ts';
import { exp, expm1 } from '../tensor/math/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { lagrange } from './deis.ts';
import { checkLambdasApart } from './multistep.ts';
import { commonBetaSchedules, readNoiseSchedule, type NoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config, type Options } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaSpacing } from './sigmas.ts';
import { readSolverModel } from './solver-model.ts';
import { readForeignEnds, smallestSigma, solverTable, type SolverLevel, type SolverTable } from './solver-table.ts';
import { spacings } from './spacing.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/** What a step of SA-Solver is to be. */
export interface SaSolverRule {
  /** algorithm_type data_prediction: m is x̂₀; otherwise ε. */
  readonly predictsOriginal: boolean;
  /** τ: 0 for the ODE, 1 for the SDE that is the reverse of the diffusion. */
  readonly tau: number;
}

/** A value of the model and where it was said. */
export interface SaSolverNode {
  /** m, [B,C,H,W]. */
  readonly output: Tensor;
  /** The level of the sample that the model saw. */
  readonly level: SolverLevel;
}

/**
 * x' = A x + B (1 + τ²) ∫ e^{b (λ − λ')} p(λ) dλ + kick · z from λ to λ', p the polynomial through the nodes
 * (arXiv 2309.05019, eq. 14 and 17). Of x̂₀: A = e^{−τ² h} σ'/σ, B = α', b = 1 + τ², kick = σ' √(1 − e^{−2τ² h}); of ε:
 * A = α'/α, B = −σ', b = −1, kick = τ σ' √(e^{2h} − 1). Of x̂₀ and two nodes, ∫ e^{b (λ − λ')} (λ − λ_x) dλ counts as
 * h²/2, as in the authors' code and diffusers.
 * @param from the level of x
 * @param to that of x'
 * @param x [B,C,H,W]
 * @param nodes one to four: in a predictor the last ones, from x on; in a corrector that of x' before them
 * @param z standard normal, like x
 */
export function saSolverStep(
  { predictsOriginal, tau }: SaSolverRule,
  from: SolverLevel,
  to: SolverLevel,
  x: Tensor,
  nodes: readonly SaSolverNode[],
  z: Tensor,
): Tensor {
  const h = to.lambda - from.lambda;
  const square = tau * tau;
  const places = nodes.map(({ level }) => level.lambda - from.lambda);
  const moments = momentsOf(predictsOriginal ? 1 + square : -1, h, nodes.length);
  if (predictsOriginal && nodes.length === 2) moments[1] = (h * h) / 2;
  const front = (predictsOriginal ? to.signal : -to.noise) * (1 + square);
  const weights = places.map((_, k) =>
    lagrange(places, k).reduce((sum, coefficient, m) => sum + coefficient * at(moments, m), 0),
  );
  const keep = predictsOriginal ? exp(-square * h) * (to.noise / from.noise) : to.signal / from.signal;
  const spread = predictsOriginal ? Math.sqrt(-expm1(-2 * square * h)) : tau * Math.sqrt(expm1(2 * h));
  const integral = combine(nodes.map(({ output }, k) => [front * at(weights, k), output]));
  return addScaled(add(scale(x, keep), integral), to.noise * spread, z);
}

/** ∫₀ʰ e^{b (u − h)} uᵐ du for m = 0, 1, …: (hᵐ − m · the one before)/b. */
function momentsOf(b: number, h: number, count: number): number[] {
  const moments = [-expm1(-b * h) / b];
  for (let m = 1; m < count; m++) moments.push((h ** m - m * at(moments, m - 1)) / b);
  return moments;
}

interface State {
  /** The last values of the model, the latest first. */
  readonly nodes: readonly SaSolverNode[];
  /** The step before: where it began, its noise and its τ. */
  readonly last?: { readonly sample: Tensor; readonly z: Tensor; readonly tau: number };
}

/**
 * A run of `saSolverStep`: each call of the model corrects the step that led to it, with the same noise, and predicts
 * the next. τ is 1 at timesteps from 200 to 800, elsewhere 0: noise is drawn there too, and counts for nothing.
 * @param steps how many, from 1
 * @throws InputError for a config or a number of steps that it does not support
 */
export function saSolver(config: Config, steps: number): Scheduler<State> {
  const name = 'SASolverScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, { rescales: false });
  const { predictor, corrector, lowersFinal } = readOrders(options, name);
  const model = readSolverModel(options);
  const predictsOriginal = readAlgorithm(options, model.prediction, name);
  const { timesteps, levels } = readTable(options, schedule, steps, name);
  options.absent('tau_func');
  options.optionalChoice('variance_type', varianceTypes);
  const read = options.finish();

  const count = timesteps.length;
  const calls = timesteps.map((t, index) => ({
    tau: t >= 200 && t <= 800 ? 1 : 0,
    predictor: Math.min(predictor, index + 1, lowersFinal ? count - index : predictor),
    corrector: Math.min(corrector, index + 1, lowersFinal ? count - index + 2 : corrector),
  }));
  const orders = calls.map((call, index) => Math.max(call.predictor, index > 0 ? call.corrector : 1));
  checkLambdasApart(name, levels, orders);
  const kept = Math.max(predictor, corrector);
  return {
    name,
    config: read,
    timesteps,
    start: { nodes: [] },
    ...variancePreserving(model.prediction, levels.slice(0, -1)),
    step({ nodes: earlier, last }, { index, modelOutput, sample, noise }) {
      const [level, call] = [at(levels, index), at(calls, index)];
      const output = (predictsOriginal ? model.original : model.epsilon)(sample, modelOutput, level);
      const nodes = [{ output, level }, ...earlier].slice(0, kept);
      const step = (tau: number, from: number, x: Tensor, order: number, z: Tensor): Tensor =>
        saSolverStep({ predictsOriginal, tau }, at(levels, from), at(levels, from + 1), x, nodes.slice(0, order), z);
      const corrected = last ? step(last.tau, index - 1, last.sample, call.corrector, last.z) : sample;
      const z = noise(sample.shape);
      return {
        state: { nodes, last: { sample: corrected, z, tau: call.tau } },
        denoised: model.original(sample, modelOutput, level),
        sample: step(call.tau, index, corrected, call.predictor, z),
      };
    },
  };
}

/** Reads predictor_order, corrector_order, lower_order_final. @throws InputError for orders beyond 1 to 4 */
function readOrders(options: Options, name: string) {
  const order = (key: string): number => {
    const value = options.count(key, 2);
    if (value < 1 || value > 4) throw new InputError(`${name}: ${key} is ${value}; supported are 1, 2, 3, 4`);
    return value;
  };
  return {
    predictor: order('predictor_order'),
    corrector: order('corrector_order'),
    lowersFinal: options.flag('lower_order_final', true),
  };
}

/** Whether m is x̂₀. @throws InputError for what diffusers cannot do with ε: thresholding, and a flow */
function readAlgorithm(options: Options, prediction: string, name: string): boolean {
  const algorithm = options.choice('algorithm_type', ['data_prediction', 'noise_prediction'], 'data_prediction');
  if (algorithm === 'data_prediction') return true;
  for (const [isSet, what] of [
    [options.flag('thresholding', false), 'thresholding'],
    [prediction === 'flow_prediction', 'prediction_type "flow_prediction"'],
  ] as const)
    if (isSet) throw new InputError(`${name}: ${what} needs algorithm_type data_prediction`);
  return false;
}

/** Reads the keys of timesteps and σ. The last of spaced σ is repeated. @throws InputError as `solverTable` */
function readTable(options: Options, schedule: NoiseSchedule, steps: number, name: string): SolverTable {
  const spacing = readSigmaSpacing(options, name, ['flow']);
  const ends = readForeignEnds(options, name, spacing, schedule);
  const shift = options.number('flow_shift', 1);
  const grid = {
    leastLambda: options.number('lambda_min_clipped', -Infinity),
    spacing: options.choice('timestep_spacing', spacings, 'linspace'),
    offset: options.count('steps_offset', 0),
  };
  const rule = { spacing, grid, shift, rounds: spacing === 'karras', ends };
  const table = solverTable(schedule, steps, rule, smallestSigma(rule));
  const wrong = table.levels.findIndex(({ lambda }) => !Number.isFinite(lambda));
  if (wrong < 0) return table;
  throw new InputError(
    `${name}: step ${Math.max(wrong - 1, 0)} would lead to a λ of ${at(table.levels, wrong).lambda}; ` +
      'expected σ above 0 and α above 0; change beta_start, trained_betas or flow_shift',
  );
}

/** What is known of it before it is created, and how it is. */
export const SASolverScheduler: SchedulerEntry = {
  name: 'SASolverScheduler',
  short: 'sa',
  summary: 'stochastic Adams: a predictor and a corrector of orders 1 to 4, noise in the middle of the run',
  source: 'Xue et al. 2023, arXiv 2309.05019',
  kind: 'discrete',
  create: (config, steps) => saSolver(config, steps),
};
