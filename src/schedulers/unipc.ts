/**
 * UniPC: a predictor and a corrector of any order (Zhao et al. 2023, arXiv 2302.04867;
 * `diffusers.UniPCMultistepScheduler`).
 */
import { add, combine, divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at, lastOf } from '../tensor/at.ts';
import { integrals } from './exponential-integrator.ts';
import { solveLinear } from './linear-system.ts';
import { checkLambdasApart, checkEnd, levelsBack, readOrder } from './multistep.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import type { OwnSteps } from './own-steps.ts';
import type { Scheduler } from './scheduler.ts';
import { readSolverModel } from './solver-model.ts';
import { checkSolverLevels, type SolverLevel } from './solver-table.ts';
import { readUnipcTable } from './unipc-table.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/** What a step of UniPC is to be. */
export interface UnipcRule {
  /** predict_x0: m is x̂₀; otherwise ε. */
  readonly predictsOriginal: boolean;
  /** solver_type: what B(h) is, the exponent or E₁. */
  readonly solver: 'bh1' | 'bh2';
}

/**
 * x' = A x − B E₁ m₀ − B · B(h) Σ_k w_k (m_k − m₀)/r_k   (arXiv 2302.04867, algorithms 1 and 2), where A, B and E₁ are
 * those of the exponential integrator, and r_k = (λ_k − λ)/h: at x 0, at x' 1.
 * @param x x_t, like each m [B,C,H,W]
 * @param outputs m at x and before it, the latest first: as many as the order, from 1 to 3
 * @param levels that of x', that of x, and those of the outputs before
 * @param end in a corrector: m at x'
 */
export function unipcStep(
  { predictsOriginal, solver }: UnipcRule,
  x: Tensor,
  outputs: readonly Tensor[],
  levels: readonly SolverLevel[],
  end?: Tensor,
): Tensor {
  const [to, from, m0] = [at(levels, 0), at(levels, 1), at(outputs, 0)];
  const h = to.lambda - from.lambda;
  const exponent = predictsOriginal ? -h : h;
  const keep = predictsOriginal ? to.noise / from.noise : to.signal / from.signal;
  const front = predictsOriginal ? to.signal : to.noise;
  const first = at(integrals(exponent, 1), 0);
  const others = [...outputs.slice(1), ...(end ? [end] : [])];
  const ratios = [...levels.slice(2).map(({ lambda }) => (lambda - from.lambda) / h), ...(end ? [1] : [])];
  const differences = others.map((output, k) => divideBy(subtract(output, m0), at(ratios, k)));
  const linear = add(scale(x, keep), scale(m0, -front * first));
  if (differences.length === 0) return linear;
  const bh = solver === 'bh1' ? exponent : first;
  const weights = differenceWeights(ratios, exponent, bh);
  return add(linear, combine(differences.map((difference, k) => [-front * bh * at(weights, k), difference])));
}

/**
 * The weights of the differences, so that the step is exact for polynomials: Σ_k r_kⁿ⁻¹ w_k = n! E_{n+1} / B(h), n = 1,
 * 2, … (arXiv 2302.04867, algorithms 1 and 2). A single one is ½, whatever B(h) is, which is as good up to the second
 * order.
 */
function differenceWeights(ratios: readonly number[], exponent: number, bh: number): readonly number[] {
  if (ratios.length === 1) return [0.5];
  let factorial = 1;
  const targets = integrals(exponent, ratios.length + 1)
    .slice(1)
    .map((integral, n) => {
      factorial *= n + 1;
      return (integral * factorial) / bh;
    });
  return solveLinear(
    ratios.map((_, n) => ratios.map((ratio) => ratio ** n)),
    targets,
  );
}

interface State {
  /** The model's outputs, the latest first. */
  readonly outputs: readonly Tensor[];
  /** The step before: where it began, and the outputs that it used. */
  readonly last?: { readonly sample: Tensor; readonly used: readonly Tensor[] };
}

/**
 * A run of `unipcStep`. Each call of the model serves twice: it corrects the step that led to it, and predicts the
 * next.
 * @param steps how many, from 1
 * @param mu the logarithm of flow_shift, where the config says use_dynamic_shifting
 * @param own σ of a flow, before its shift, in place of even ones: from above 0 to 1
 * @throws InputError for a config or a number of steps that it does not support, or a missing mu
 */
export function unipc(config: Config, steps: number, mu?: number, own: OwnSteps = {}): Scheduler<State> {
  const name = 'UniPCMultistepScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name);
  const order = readOrder(options, name);
  const model = readSolverModel(options);
  const predictsOriginal = options.flag('predict_x0', true);
  const solver = options.choice('solver_type', ['bh1', 'bh2'], 'bh2', { midpoint: 'bh2', heun: 'bh2', logrho: 'bh2' });
  const lowersFinal = options.flag('lower_order_final', true);
  const uncorrected = options.numbers('disable_corrector', []) ?? [];
  options.absent('solver_p');
  const table = readUnipcTable(options, schedule, steps, name, { mu, ...own });
  const { timesteps, levels, cause } = table;
  const read = options.finish();
  if (!predictsOriginal && model.prediction === 'flow_prediction')
    throw new InputError(`${name}: prediction_type "flow_prediction" needs predict_x0`);
  if (!predictsOriginal && lastOf(levels).noise === 0) {
    throw new InputError(`${name}: without predict_x0 the last σ cannot be 0; set final_sigmas_type to "sigma_min"`);
  }

  const rule = { predictsOriginal, solver };
  const orders = timesteps.map((_, index) => Math.min(order, lowersFinal ? timesteps.length - index : order));
  // The corrector of a step of higher order divides by that step's own length.
  const highest = orders.map((now, index) => Math.max(now, orders[index - 1] ?? 1));
  checkSolverLevels(name, table, false);
  checkLambdasApart(name, levels, highest);
  checkEnd(name, levels, { order: lastOf(orders), atRest: 2, cause });
  return {
    name,
    config: read,
    timesteps,
    start: { outputs: [] },
    ...variancePreserving(model.prediction, levels.slice(0, -1)),
    step({ outputs: earlier, last }, { index, modelOutput, sample }) {
      const level = at(levels, index);
      const output = (predictsOriginal ? model.original : model.epsilon)(sample, modelOutput, level);
      const corrected =
        last && !uncorrected.includes(index - 1)
          ? unipcStep(rule, last.sample, last.used, levelsBack(levels, index - 1, last.used.length), output)
          : sample;
      const outputs = [output, ...earlier].slice(0, order);
      const used = outputs.slice(0, at(orders, index));
      return {
        state: { outputs, last: { sample: corrected, used } },
        denoised: model.original(sample, modelOutput, level),
        sample: unipcStep(rule, corrected, used, levelsBack(levels, index, used.length)),
      };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const UniPCMultistepScheduler: SchedulerEntry = {
  name: 'UniPCMultistepScheduler',
  short: 'unipc',
  summary: 'a predictor and a corrector of orders 1 to 3, one call a step',
  source: 'Zhao et al. 2023, arXiv 2302.04867',
  kind: 'discrete',
  own: { sigmas: 'steps' },
  create: (config, steps, { mu, ...own }) => unipc(config, steps, mu, own),
};
