/** Heun's method for flow matching (arXiv 2206.00364 and 2210.02747; `diffusers.FlowMatchHeunDiscreteScheduler`). */
import { at } from '../tensor/at.ts';
import { scale } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkNoiseSize, churned, type Churn } from './churn.ts';
import { flowLevel, shiftInSingle } from './flow-match-euler.ts';
import { shiftFlow } from './flow.ts';
import { heunStep } from './heun.ts';
import { expectTrained } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { originalAt } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { f32 } from './single.ts';
import { range } from './spacing.ts';
import { along } from './variance-exploding.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/** Between the two calls of a step: where it began, at which σ, and the direction there. */
type State = { readonly x: Tensor; readonly sigma: number; readonly v: Tensor } | undefined;

/**
 * A run of `heunStep` along the direction v that the model predicts: two calls of the model a step, but for the last
 * step, to σ = 0, which is Euler's alone. Second order.
 * @param steps how many, from 1
 * @param churn how much noise is added on the way down, spread over all calls. As in diffusers, each of the two calls
 *   draws some, though that of the second changes nothing
 * @throws InputError for a config that it does not support
 */
export function flowMatchHeun(config: Config, steps: number, churn: Churn = {}): Scheduler<State> {
  const name = 'FlowMatchHeunDiscreteScheduler';
  const options = readOptions(config, name);
  const trainTimesteps = options.count('num_train_timesteps', 1000);
  const shift = options.number('shift', 1);
  const read = options.finish();
  expectTrained(name, trainTimesteps);
  if (!(f32(shift) > 0 && f32(shift) < Infinity))
    throw new InputError(`${name}: shift is ${shift}; expected one above 0, and finite in float32`);

  // As in diffusers, the ends are shifted twice: in the table of the training, and again in that of the run.
  const [from, to] = [shiftInSingle(1, shift), shiftInSingle(f32(1 / trainTimesteps), shift)];
  const even = range(from * trainTimesteps, to * trainTimesteps, steps);
  const sigmas = [...even.map((t) => f32(shiftFlow(t / trainTimesteps, shift))), 0];
  // Calls 2i and 2i + 1 belong to step i: the first at its start, the second at its end.
  const callSigmas = sigmas.slice(0, -1).flatMap((sigma, i) => (i === 0 ? [sigma] : [sigma, sigma]));
  if (churn.sChurn) checkNoiseSize(name, callSigmas, churn.sNoise);
  return {
    name,
    config: read,
    timesteps: callSigmas.map((sigma) => f32(sigma * trainTimesteps)),
    start: undefined,
    ...variancePreserving('flow_prediction', callSigmas.map(flowLevel)),
    step(begin, { index, modelOutput: v, sample, noise }) {
      const step = Math.floor(index / 2);
      const [sigma, next] = [at(sigmas, step), at(sigmas, step + 1)];
      const { x, sigma: higher } = churned(sample, sigma, churn, callSigmas.length, noise);
      const denoised = originalAt('flow_prediction', x, v, flowLevel(at(callSigmas, index)));
      if (begin) return { state: undefined, denoised, sample: heunStep(begin.x, begin.v, v, begin.sigma, next) };
      const d = higher === sigma ? v : scale(v, sigma / higher);
      return { state: { x, sigma: higher, v: d }, denoised, sample: along(x, d, higher, next) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const FlowMatchHeunDiscreteScheduler: SchedulerEntry = {
  name: 'FlowMatchHeunDiscreteScheduler',
  short: 'flow-match-heun',
  summary: "Heun's method for flow matching; second order, two calls a step",
  source: 'Karras et al. 2022, arXiv 2206.00364; Lipman et al. 2022, arXiv 2210.02747',
  kind: 'flow',
  churns: true,
  create: (config, steps, churn) => flowMatchHeun(config, steps, churn),
};
