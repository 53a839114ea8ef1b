/**
 * DPM-Solver and DPM-Solver++, singlestep (Lu et al. 2022, arXiv 2206.00927 and 2211.01095;
 * `diffusers.DPMSolverSinglestepScheduler`).
 */
import { divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkSolver } from './dpm-multistep.ts';
import { foreignSolverTypes, solverStep, solverTypes } from './exponential-integrator.ts';
import { readOrder } from './multistep.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { variancePreserving } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { readSolverModel, solverOutput } from './solver-model.ts';
import { evenSigmas, flowSigmas, readSolverSpacing, tableOf, wideSigmas, type SolverLevel } from './solver-table.ts';

interface State {
  /** The model's outputs, the latest first. */
  readonly outputs: readonly Tensor[];
  /** The sample at the start of the present block of steps. */
  readonly begin?: Tensor;
}

/**
 * Steps come in blocks of 1, 2, … `solver_order`: step k of a block goes from the block's beginning, with k outputs of
 * the model, so a block is one singlestep of that order. The last block is shorter where the steps do not divide.
 * @param mu the logarithm of flow_shift, where the config says use_dynamic_shifting
 */
export function dpmSinglestep(config: Config, steps: number, mu?: number): Scheduler<State> {
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
  const final = options.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  const leastLambda = options.number('lambda_min_clipped', -Infinity);
  options.optionalChoice('variance_type', ['learned', 'learned_range']);
  const read = options.finish();
  checkSolver(name, algorithm, final, order, model.prediction);

  const { timesteps, sigmas, training } =
    spacing === undefined
      ? evenSigmas(schedule, steps, { spacing: 'linspace', offset: 0, leastLambda })
      : spacing === 'flow'
        ? flowSigmas(schedule, steps, shift)
        : wideSigmas(schedule, steps, spacing, spacing === 'karras');
  const { levels } = tableOf(timesteps, [...sigmas, final === 'zero' ? 0 : training[0]], spacing === 'flow');
  const orders = blockOrders(order, steps, lowersFinal, final === 'zero');
  const toOutput = solverOutput(model, algorithm);

  return {
    name,
    config: read,
    timesteps,
    start: { outputs: [] },
    ...variancePreserving(model.prediction, (index) => levels[index]),
    step(state, { index, modelOutput, sample, noise }) {
      const outputs = [toOutput(sample, modelOutput, levels[index]), ...state.outputs].slice(0, order);
      const orderNow = Math.min(orders[index], outputs.length);
      const begin = orderNow === 1 || !state.begin ? sample : state.begin;
      const differences = blockDifferences(outputs.slice(0, orderNow), levels, index, solver === 'midpoint');
      const z = algorithm === 'sde-dpmsolver++' ? noise(sample.shape) : undefined;
      const denoised = model.original(sample, modelOutput, levels[index]);
      const from = levels[index - orderNow + 1];
      return {
        state: { outputs, begin },
        denoised,
        sample: solverStep(algorithm, orderNow === 3 ? 'heun' : solver, from, levels[index + 1], begin, differences, z),
      };
    },
  };
}

/** The order of each step. A run that ends at σ = 0, or that the blocks do not fill, lowers the orders at its end. */
function blockOrders(order: number, steps: number, lowersFinal: boolean, endsAtZero: boolean): number[] {
  const block = Array.from({ length: order }, (_, k) => k + 1);
  const blocks = (count: number): number[] => Array.from({ length: count }, () => block).flat();
  const whole = Math.floor(steps / order);
  const rest = steps % order;
  const isLowered = (lowersFinal || endsAtZero || rest > 0) && order > 1;
  const orders = !isLowered
    ? blocks(whole)
    : rest > 0
      ? [...blocks(whole), ...block.slice(0, rest)]
      : [...blocks(whole - 1), ...block.slice(0, -1), 1];
  return endsAtZero ? [...orders.slice(0, -1), 1] : orders;
}

/**
 * D₀, D₁, D₂ at the beginning of a block, by differences of the outputs in it.
 * @param outputs the latest first: as many as the order, the last that of the block's beginning
 * @param isMidpoint in the third order: D₁ by the outer two outputs alone, and no D₂
 */
function blockDifferences(
  outputs: readonly Tensor[],
  levels: readonly SolverLevel[],
  index: number,
  isMidpoint: boolean,
): Tensor[] {
  if (outputs.length === 1) return [outputs[0]];
  const first = outputs[outputs.length - 1];
  const begin = levels[index - outputs.length + 1].lambda;
  const h = levels[index + 1].lambda - begin;
  const r0 = (levels[index].lambda - begin) / h;
  const outer = scale(subtract(outputs[0], first), 1 / r0);
  if (outputs.length === 2 || isMidpoint) return [first, outer];
  const r1 = (levels[index - 1].lambda - begin) / h;
  const inner = scale(subtract(outputs[1], first), 1 / r1);
  const bend = scale(subtract(outer, inner), 2);
  return [first, divideBy(subtract(scale(inner, r0), scale(outer, r1)), r0 - r1), divideBy(bend, r0 - r1)];
}
