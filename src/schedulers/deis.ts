/** DEIS in log ρ, multistep (Zhang & Chen 2022, arXiv 2204.13902; `diffusers.DEISMultistepScheduler`). */
import { combine } from '../tensor/arithmetic.ts';
import { exp, expm1 } from '../tensor/math/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at, lastOf } from '../tensor/at.ts';
import { checkLambdasApart, checkEnd, levelsBack, ordersOf, readOrder } from './multistep.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { epsilonAt } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { readSolverModel } from './solver-model.ts';
import {
  readForeignEnds,
  checkSolverLevels,
  readSolverSpacing,
  smallestSigma,
  solverTable,
  type SolverLevel,
} from './solver-table.ts';
import { spacings } from './spacing.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * x'/α' = x/α + ∫ p(ln ρ) dρ from ρ to ρ', ρ = σ/α, p the polynomial through the last values of ε: Adams–Bashforth's
 * idea on the scale where the ODE is smoothest (arXiv 2204.13902).
 * @param x x_t, like each ε [B,C,H,W]
 * @param outputs ε at x and before it, the latest first: as many as the order, from 1 to 3
 * @param levels that of x', that of x, and those of the outputs before
 */
export function deisStep(x: Tensor, outputs: readonly Tensor[], levels: readonly SolverLevel[]): Tensor {
  const [to, from] = [at(levels, 0), at(levels, 1)];
  // ln ρ = −λ, counted from where the step begins.
  const nodes = levels.slice(1).map(({ lambda }) => from.lambda - lambda);
  const weights = nodes.map(
    (_, k) => (to.signal * from.noise * integral(lagrange(nodes, k), from.lambda - to.lambda)) / from.signal,
  );
  return combine([[to.signal / from.signal, x], ...outputs.map((epsilon, k) => [at(weights, k), epsilon] as const)]);
}

/** ∫₀ᵘ eᵛ p(v) dv of a polynomial, its coefficients from the constant on: ∫ eᵛ vᵐ = eᵘ uᵐ − m ∫ eᵛ vᵐ⁻¹. */
function integral(polynomial: readonly number[], u: number): number {
  let moment = expm1(u);
  return polynomial.reduce((sum, coefficient, m) => {
    if (m > 0) moment = exp(u) * u ** m - m * moment;
    return sum + coefficient * moment;
  }, 0);
}

/** The coefficients of the polynomial that is 1 at node k and 0 at the others, from the constant on. */
export function lagrange(nodes: readonly number[], k: number): readonly number[] {
  const own = at(nodes, k);
  const others = nodes.filter((_, j) => j !== k);
  return others.reduce<readonly number[]>((product, node) => timesLinear(product, node, own - node), [1]);
}

/** p(v) (v − node)/width. */
function timesLinear(p: readonly number[], node: number, width: number): readonly number[] {
  return [0, ...p].map((below, m) => (below - (p[m] ?? 0) * node) / width);
}

/**
 * A run of DEIS. The state is the last values of ε, the latest first.
 * @param steps how many, from 1
 * @param mu the logarithm of flow_shift, where the config says use_dynamic_shifting
 * @throws InputError for a config or a number of steps that it does not support
 */
export function deis(config: Config, steps: number, mu?: number): Scheduler<readonly Tensor[]> {
  const name = 'DEISMultistepScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, { rescales: false });
  const order = readOrder(options, name);
  const model = readSolverModel(options);
  options.choice('algorithm_type', ['deis'], 'deis', { dpmsolver: 'deis', 'dpmsolver++': 'deis' });
  const foreignTypes = { midpoint: 'logrho', heun: 'logrho', bh1: 'logrho', bh2: 'logrho' } as const;
  options.choice('solver_type', ['logrho'], 'logrho', foreignTypes);
  const lowersFinal = options.flag('lower_order_final', true);
  const { spacing, shift } = readSolverSpacing(options, name, ['flow'], mu);
  const ends = readForeignEnds(options, name, spacing, schedule);
  const grid = {
    spacing: options.choice('timestep_spacing', spacings, 'linspace'),
    offset: options.count('steps_offset', 0),
    leastLambda: -Infinity,
  };
  const read = options.finish();

  const rule = { spacing, grid, shift, rounds: spacing === 'karras', ends };
  const table = solverTable(schedule, steps, rule, smallestSigma(rule));
  const { timesteps, levels, cause } = table;
  checkSolverLevels(name, table, false);
  const orders = ordersOf({ order, lowersFinal, eulerAtFinal: false }, timesteps.length);
  checkLambdasApart(name, levels, orders);
  checkEnd(name, levels, { order: lastOf(orders), atRest: 3, cause });

  return {
    name,
    config: read,
    timesteps,
    start: [],
    ...variancePreserving(model.prediction, levels.slice(0, -1)),
    step(earlier, { index, modelOutput, sample }) {
      const level = at(levels, index);
      const denoised = model.original(sample, modelOutput, level);
      const outputs = [epsilonAt('sample', sample, denoised, level), ...earlier].slice(0, order);
      const used = outputs.slice(0, at(orders, index));
      return { state: outputs, denoised, sample: deisStep(sample, used, levelsBack(levels, index, used.length)) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const DEISMultistepScheduler: SchedulerEntry = {
  name: 'DEISMultistepScheduler',
  short: 'deis',
  summary: 'exponential integrator with a polynomial in log ρ, orders 1 to 3',
  source: 'Zhang & Chen 2022, arXiv 2204.13902',
  kind: 'discrete',
  create: (config, steps, { mu }) => deis(config, steps, mu),
};
