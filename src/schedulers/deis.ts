/** DEIS in log ρ, multistep (Zhang & Chen 2022, arXiv 2204.13902; `diffusers.DEISMultistepScheduler`). */
import { combine } from '../tensor/arithmetic.ts';
import { exp, expm1 } from '../tensor/math/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { orderAt, readOrder } from './multistep.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { epsilonAt, variancePreserving } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { readSolverModel } from './solver-model.ts';
import { evenSigmas, flowSigmas, readSolverSpacing, tableOf, wideSigmas } from './solver-table.ts';
import { spacings } from './spacing.ts';

/**
 * x'/α' = x/α + ∫ p(ln ρ) dρ from ρ to ρ', ρ = σ/α, p the polynomial through the last k values of ε: Adams–Bashforth's
 * idea on the scale where the ODE is smoothest. The state is those values, the latest first.
 * @param mu the logarithm of flow_shift, where the config says use_dynamic_shifting
 */
export function deis(config: Config, steps: number, mu?: number): Scheduler<readonly Tensor[]> {
  const name = 'DEISMultistepScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, { rescales: false });
  const order = readOrder(options, name);
  const model = readSolverModel(options);
  options.choice('algorithm_type', ['deis'], 'deis', { dpmsolver: 'deis', 'dpmsolver++': 'deis' });
  options.choice('solver_type', ['logrho'], 'logrho', {
    midpoint: 'logrho',
    heun: 'logrho',
    bh1: 'logrho',
    bh2: 'logrho',
  });
  const lowersFinal = options.flag('lower_order_final', true);
  const { spacing, shift } = readSolverSpacing(options, name, ['flow'], mu);
  const grid = {
    spacing: options.choice('timestep_spacing', spacings, 'linspace'),
    offset: options.count('steps_offset', 0),
    leastLambda: -Infinity,
  };
  const read = options.finish();

  const { timesteps, sigmas, training } =
    spacing === undefined
      ? evenSigmas(schedule, steps, grid)
      : spacing === 'flow'
        ? flowSigmas(schedule, steps, shift)
        : wideSigmas(schedule, steps, spacing, spacing === 'karras');
  const { levels } = tableOf(
    timesteps,
    [...sigmas, spacing === undefined ? training[0] : sigmas[sigmas.length - 1]],
    spacing === 'flow',
  );

  return {
    name,
    config: read,
    timesteps,
    start: [],
    ...variancePreserving(model.prediction, (index) => levels[index]),
    step(earlier, { index, modelOutput, sample }) {
      const [from, to] = [levels[index], levels[index + 1]];
      const denoised = model.original(sample, modelOutput, from);
      const outputs = [epsilonAt('sample', sample, denoised, from), ...earlier].slice(0, order);
      const orderNow = orderAt({ order, lowersFinal, eulerAtFinal: false }, index, timesteps.length, outputs.length);
      // ln ρ = −λ, counted from where the step begins.
      const nodes = outputs.slice(0, orderNow).map((_, k) => from.lambda - levels[index - k].lambda);
      const weights = nodes.map(
        (_, k) => (to.signal * from.noise * integral(lagrange(nodes, k), from.lambda - to.lambda)) / from.signal,
      );
      return {
        state: outputs,
        denoised,
        sample: combine([
          [to.signal / from.signal, sample],
          ...weights.map((weight, k) => [weight, outputs[k]] as const),
        ]),
      };
    },
  };
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
function lagrange(nodes: readonly number[], k: number): readonly number[] {
  return nodes.reduce<readonly number[]>(
    (product, node, j) => {
      if (j === k) return product;
      const width = nodes[k] - node;
      return [...product, 0].map(
        (coefficient, m) => ((m > 0 ? product[m - 1] : 0) - (m < product.length ? coefficient : 0) * node) / width,
      );
    },
    [1],
  );
}
