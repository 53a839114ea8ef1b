/** What multistep solvers share: how many of the model's outputs a step may use, and their differences. */
import { add, scale, subtract } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Options } from './options.ts';
import type { SolverLevel } from './solver-table.ts';

/** Below so many steps a run that lowers its order does so in the last two steps. */
const shortRun = 15;

export interface OrderRule {
  readonly order: number;
  readonly lowersFinal: boolean;
  /** The very last step is of first order. */
  readonly eulerAtFinal: boolean;
}

/** Reads solver_order: 1, 2 or 3. */
export function readOrder(options: Options, scheduler: string): number {
  const order = options.count('solver_order', 2);
  if (order < 1 || order > 3) throw new InputError(`${scheduler}: solver_order is ${order}; supported are 1, 2, 3`);
  return order;
}

/** The order of step `index` of `count`, with as many outputs as there are so far, this step's included. */
export function orderAt(
  { order, lowersFinal, eulerAtFinal }: OrderRule,
  index: number,
  count: number,
  outputs: number,
): number {
  const left = count - index;
  const isShort = lowersFinal && count < shortRun;
  const most = left === 1 && (eulerAtFinal || isShort) ? 1 : left === 2 && isShort ? 2 : 3;
  return Math.min(order, outputs, most);
}

/**
 * D₀, D₁, D₂ at step `index`: m, h m' and ½ h² m'' (in λ) by differences of the last outputs. The step wants h² m'', so
 * with three outputs it is of second order only; kept as it is in diffusers and in the authors' code, so that runs
 * agree.
 * @param outputs the latest first, as many as the order
 */
export function backwardDifferences(
  outputs: readonly Tensor[],
  levels: readonly SolverLevel[],
  index: number,
): Tensor[] {
  const [m0, m1, m2] = outputs;
  if (outputs.length === 1) return [m0];
  const width = (k: number): number => levels[index - k + 1].lambda - levels[index - k].lambda;
  const h = width(0);
  const r0 = width(1) / h;
  const near = scale(subtract(m0, m1), 1 / r0);
  if (outputs.length === 2) return [m0, near];
  const r1 = width(2) / h;
  const bend = subtract(near, scale(subtract(m1, m2), 1 / r1));
  return [m0, add(near, scale(bend, r0 / (r0 + r1))), scale(bend, 1 / (r0 + r1))];
}
