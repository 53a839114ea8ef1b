/** Heun's method (Karras et al. 2022, arXiv 2206.00364, algorithm 1; `diffusers.HeunDiscreteScheduler`). */
import { add, divideBy } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import { readClip } from './limit.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import type { OwnSteps } from './own-steps.ts';
import { predictionTypes } from './prediction.ts';
import type { SchedulerEntry } from './entry.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaTable } from './sigma-table.ts';
import { along, denoise, slope, varianceExploding } from './variance-exploding.ts';

/**
 * x' = x + (σ' − σ) (d + d')/2: the step that Euler has tried, again, with the mean of the slopes at both ends. Second
 * order.
 * @param x at σ, like the slopes [B,C,H,W]
 * @param d the slope at x
 * @param dNext d', the slope where Euler's step from x to σ' ends
 */
export function heunStep(x: Tensor, d: Tensor, dNext: Tensor, sigma: number, next: number): Tensor {
  return along(x, divideBy(add(d, dNext), 2), sigma, next);
}

/** Between the two calls of a step: where it began, and the slope there. */
type State = { readonly x: Tensor; readonly d: Tensor } | undefined;

/**
 * A run of Heun's method: two calls of the model a step, but for the last step, to σ = 0, which is Euler's alone.
 * @param steps how many, from 1 to the timesteps of the training
 * @param own timesteps in place of those of the config
 * @throws InputError for a config or steps that it does not support
 */
export function heun(config: Config, steps: number, { timesteps: own }: OwnSteps = {}): Scheduler<State> {
  const name = 'HeunDiscreteScheduler';
  const options = readOptions(config, name);
  const defaults = { start: 0.00085, end: 0.012, rescales: false };
  const schedule = readNoiseSchedule(options, [...commonBetaSchedules, 'exp'], name, defaults);
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const limit = readClip(options, false);
  const keys = { spacing: true, own: own ? { timesteps: own } : {} };
  const { timesteps, sigmas, initNoiseSigma } = readSigmaTable(options, schedule, steps, name, keys);
  const read = options.finish();

  // Calls 2i and 2i + 1 belong to step i: the first at its start, the second at its end.
  const twice = <T>(list: readonly T[]): T[] => list.flatMap((value, i) => (i === 0 ? [value] : [value, value]));
  const callSigmas = twice(sigmas.slice(0, -1));
  return {
    name,
    config: read,
    timesteps: twice(timesteps),
    initNoiseSigma,
    start: undefined,
    ...varianceExploding(prediction, callSigmas),
    step(begin, { index, modelOutput, sample }) {
      const step = Math.floor(index / 2);
      const [sigma, next] = [at(sigmas, step), at(sigmas, step + 1)];
      const here = at(callSigmas, index);
      const denoised = limit(denoise(prediction, sample, modelOutput, here));
      const d = slope(sample, denoised, here);
      if (!begin) return { state: { x: sample, d }, denoised, sample: along(sample, d, sigma, next) };
      return { state: undefined, denoised, sample: heunStep(begin.x, begin.d, d, sigma, next) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const HeunDiscreteScheduler: SchedulerEntry = {
  name: 'HeunDiscreteScheduler',
  short: 'heun',
  summary: "Heun's method; second order, two calls a step",
  source: 'Karras et al. 2022, arXiv 2206.00364, algorithm 1',
  kind: 'discrete',
  own: { timesteps: true },
  create: (config, steps, own) => heun(config, steps, own),
};
