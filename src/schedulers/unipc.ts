/**
 * UniPC: a predictor and a corrector of any order (Zhao et al. 2023, arXiv 2302.04867;
 * `diffusers.UniPCMultistepScheduler`).
 */
import { add, combine, divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { integrals } from './exponential-integrator.ts';
import { solveLinear } from './linear-system.ts';
import { readOrder } from './multistep.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { variancePreserving } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { readSolverModel } from './solver-model.ts';
import { readUnipcTable } from './unipc-table.ts';

interface State {
  /** The model's outputs, the latest first. */
  readonly outputs: readonly Tensor[];
  /** The step before: where it began, and its order. */
  readonly last?: { readonly sample: Tensor; readonly order: number };
}

/**
 * Each call of the model serves twice: it corrects the step that led to it, and predicts the next.
 * @param mu the logarithm of flow_shift, where the config says use_dynamic_shifting
 */
export function unipc(config: Config, steps: number, mu?: number): Scheduler<State> {
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
  const { timesteps, levels } = readUnipcTable(options, schedule, steps, name, mu);
  const read = options.finish();
  if (!predictsOriginal && model.prediction === 'flow_prediction')
    throw new InputError(`${name}: prediction_type "flow_prediction" needs predict_x0`);
  if (!predictsOriginal && levels[levels.length - 1].noise === 0) {
    throw new InputError(`${name}: without predict_x0 the last σ cannot be 0; set final_sigmas_type to "sigma_min"`);
  }

  /**
   * x' = A x − B E₁ m₀ − B · B(h) Σ_k w_k (m_k − m₀)/r_k, from level `i` to the next, with the outputs at i, i − 1, …
   * and, in a corrector, the one at the end (r = 1). A, B and E₁ are those of the exponential integrator; B(h) is the
   * exponent (bh1) or E₁ (bh2).
   */
  const move = (sample: Tensor, i: number, outputs: readonly Tensor[], end?: Tensor): Tensor => {
    const [from, to] = [levels[i], levels[i + 1]];
    const h = to.lambda - from.lambda;
    const exponent = predictsOriginal ? -h : h;
    const keep = predictsOriginal ? to.noise / from.noise : to.signal / from.signal;
    const front = predictsOriginal ? to.signal : to.noise;
    const [first] = integrals(exponent, 1);
    const ratios = [
      ...outputs.slice(1).map((_, k) => (levels[i - k - 1].lambda - from.lambda) / h),
      ...(end ? [1] : []),
    ];
    const differences = [...outputs.slice(1), ...(end ? [end] : [])].map((output, k) =>
      divideBy(subtract(output, outputs[0]), ratios[k]),
    );
    const linear = add(scale(sample, keep), scale(outputs[0], -front * first));
    if (differences.length === 0) return linear;
    const bh = solver === 'bh1' ? exponent : first;
    const weights = differenceWeights(ratios, exponent, bh);
    return add(linear, combine(differences.map((difference, k) => [-front * bh * weights[k], difference])));
  };

  return {
    name,
    config: read,
    timesteps,
    start: { outputs: [] },
    ...variancePreserving(model.prediction, (index) => levels[index]),
    step({ outputs: earlier, last }, { index, modelOutput, sample }) {
      const output = (predictsOriginal ? model.original : model.epsilon)(sample, modelOutput, levels[index]);
      const denoised = model.original(sample, modelOutput, levels[index]);
      const isCorrected = last !== undefined && !uncorrected.includes(index - 1);
      const corrected = isCorrected ? move(last.sample, index - 1, earlier.slice(0, last.order), output) : sample;
      const outputs = [output, ...earlier].slice(0, order);
      const orderNow = Math.min(outputs.length, lowersFinal ? timesteps.length - index : order);
      return {
        state: { outputs, last: { sample: corrected, order: orderNow } },
        denoised,
        sample: move(corrected, index, outputs.slice(0, orderNow)),
      };
    },
  };
}

/**
 * The weights of the differences, so that the step is exact for polynomials: Σ_k r_kⁿ⁻¹ w_k = n! E_{n+1} / B(h), n = 1,
 * 2, … (arXiv 2302.04867, algorithms 1 and 2). A single one is ½, whatever B(h) is, which is as good up to the second
 * order.
 */
function differenceWeights(ratios: readonly number[], exponent: number, bh: number): readonly number[] {
  if (ratios.length === 1) return [0.5];
  const all = integrals(exponent, ratios.length + 1).slice(1);
  let factorial = 1;
  const targets = all.map((integral, n) => (integral * (factorial *= n + 1)) / bh);
  return solveLinear(
    ratios.map((_, n) => ratios.map((ratio) => ratio ** n)),
    targets,
  );
}
