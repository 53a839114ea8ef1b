/** What multistep solvers share: how many of the model's outputs a step may use, and their differences. */
import { add, scale, subtract } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at, lastOf } from '../tensor/at.ts';
import { solverStep, type SolverRule } from './exponential-integrator.ts';
import type { Options } from './options.ts';
import type { SolverLevel } from './solver-table.ts';

/**
 * A step of DPM-Solver of order k, multistep, with the model's last k outputs (Lu et al. 2022, arXiv 2211.01095,
 * algorithm 2).
 * @param x x_t, like the outputs m and z [B,C,H,W]
 * @param outputs m at x and before it, the latest first: as many as the order, from 1 to 3
 * @param levels that of x', that of x, and those of the outputs before
 * @param z standard normal, for the algorithms of the SDE
 */
export function multistepStep(
  rule: SolverRule,
  x: Tensor,
  outputs: readonly Tensor[],
  levels: readonly SolverLevel[],
  z?: Tensor,
): Tensor {
  const differences = backwardDifferences(
    outputs,
    levels.map(({ lambda }) => lambda),
  );
  return solverStep(ruleOfOrder(outputs.length, rule), at(levels, 1), at(levels, 0), x, differences, z);
}

/** In the third order D₁ counts by its integral, whatever the solver_type. */
export function ruleOfOrder(order: number, rule: SolverRule): SolverRule {
  return order === 3 ? { ...rule, solver: 'heun' } : rule;
}

/**
 * D₀, D₁, D₂: m, h m' and ½ h² m'' (in λ) by differences of the last outputs. The step wants h² m'', so with three
 * outputs it is of second order only; kept as it is in diffusers and in the authors' code, so that runs agree.
 * @param outputs the latest first: as many as the order, from 1 to 3
 * @param lambdas λ' at the end of the step, and λ of each output
 */
function backwardDifferences(outputs: readonly Tensor[], lambdas: readonly number[]): Tensor[] {
  const [m0, m1, m2] = outputs;
  if (!m0 || !m1) return [...outputs];
  const width = (k: number): number => at(lambdas, k) - at(lambdas, k + 1);
  const h = width(0);
  const r0 = width(1) / h;
  const near = scale(subtract(m0, m1), 1 / r0);
  if (!m2) return [m0, near];
  const r1 = width(2) / h;
  const bend = subtract(near, scale(subtract(m1, m2), 1 / r1));
  return [m0, add(near, scale(bend, r0 / (r0 + r1))), scale(bend, 1 / (r0 + r1))];
}

/**
 * The levels at the end of step `index`, and of the `count` outputs at its beginning and before it, the latest first.
 */
export function levelsBack<T>(levels: readonly T[], index: number, count: number): T[] {
  return levels.slice(index + 1 - count, index + 2).reverse();
}

/** Below so many steps a run that lowers its order does so in the last two steps. */
const shortRun = 15;

/** What a config says of the order of the steps. */
export interface OrderRule {
  /** solver_order, from 1 to 3. */
  readonly order: number;
  /** lower_order_final. */
  readonly lowersFinal: boolean;
  /** The very last step is of first order. */
  readonly eulerAtFinal: boolean;
}

/** Reads solver_order: 1, 2 or 3. @throws InputError for another */
export function readOrder(options: Options, scheduler: string): number {
  const order = options.count('solver_order', 2);
  if (order < 1 || order > 3) throw new InputError(`${scheduler}: solver_order is ${order}; supported are 1, 2, 3`);
  return order;
}

/** The order that each of `count` steps may have; where there are fewer outputs yet, that is its order. */
export function ordersOf({ order, lowersFinal, eulerAtFinal }: OrderRule, count: number): number[] {
  const isShort = lowersFinal && count < shortRun;
  return Array.from({ length: count }, (_, index) => {
    const left = count - index;
    if (left === 1 && (eulerAtFinal || isShort)) return 1;
    return left === 2 && isShort ? Math.min(order, 2) : order;
  });
}

/** What the last step of a run is, beside its levels. */
export interface LastStep {
  /** Its order, from 1. */
  readonly order: number;
  /** The highest order that the method has where a step ends where it begins. */
  readonly atRest: number;
  /** The settings that the levels follow from, for messages. */
  readonly cause: string;
}

/**
 * Refuses a last step that the method cannot take: of a higher order to σ = 0, where λ is infinite, or one without
 * length.
 * @param levels of the calls of the model and, last, of the result
 * @throws InputError that says which, and the way out
 */
export function checkEnd(scheduler: string, levels: readonly SolverLevel[], { order, atRest, cause }: LastStep): void {
  const [from, to] = [at(levels, levels.length - 2), lastOf(levels)];
  const reached = Math.min(order, levels.length - 1);
  if (reached > 1 && to.lambda === Infinity)
    throw new InputError(
      `${scheduler}: the last step, of order ${reached}, leads to σ = 0 (${cause}), where only order 1 can end; ` +
        'set lower_order_final to true, or final_sigmas_type to "sigma_min" with a first β above 0',
    );
  if (reached > atRest && to.lambda === from.lambda)
    throw new InputError(
      `${scheduler}: the last step, of order ${reached}, begins where it ends, at the smallest σ (${cause}); ` +
        'set final_sigmas_type to "zero", or solver_order to 1',
    );
}

/** The highest order of DPM-Solver at rest: the others divide by the length of the step. */
export function orderAtRest(solver: SolverRule['solver']): number {
  return solver === 'midpoint' ? 2 : 1;
}

/** `checkApart` by the λ of each call. @param levels of the calls of the model and, last, of the result */
export function checkLambdasApart(scheduler: string, levels: readonly SolverLevel[], orders: readonly number[]): void {
  checkApart(
    scheduler,
    levels.slice(0, -1).map(({ lambda }) => lambda),
    orders,
  );
}

/**
 * @param places σ or λ of each call of the model
 * @param orders of each step
 * @throws InputError where a step would divide by the distance of two calls at one place, as when there are too many
 */
export function checkApart(scheduler: string, places: readonly number[], orders: readonly number[]): void {
  const index = places.findIndex((place, i) => place === places[i - 1] && at(orders, i) > 1);
  if (index < 0) return;
  throw new InputError(
    `${scheduler}: calls ${index - 1} and ${index} of the model have one noise level, and a step of higher order ` +
      'divides by their distance; take fewer steps',
  );
}
