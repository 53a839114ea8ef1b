/**
 * Data whose diffusion has a closed form. If x₀ is normal, of mean m and deviation s in each element, then at the level
 * x = a x₀ + b ε the best guess of x₀ is m + a s²/V (x − a m), V = a² s² + b², and the ODE's solution through (a₀, b₀,
 * x₀') is x = a m + √(V/V₀) (x₀' − a₀ m).
 */
import { mapElements } from '../../src/tensor/arithmetic.ts';
import { tensor, zeros, type Tensor } from '../../src/tensor/tensor.ts';
import { createScheduler, type SchedulerChoices } from '../../src/schedulers/registry.ts';
import type { NoiseLevel } from '../../src/schedulers/level.ts';
import type { Config } from '../../src/schedulers/options.ts';
import type { Scheduler } from '../../src/schedulers/scheduler.ts';
import { noNoise, type Model } from './support.ts';

const mean = 0.6;
const deviation = 0.5;

const variance = ({ signal, noise }: NoiseLevel): number => signal ** 2 * deviation ** 2 + noise ** 2;

/** The exact solution at level `to` of the ODE that passes through `sample` at level `from`. */
export function exactSolution(sample: Tensor, from: NoiseLevel, to: NoiseLevel): Tensor {
  const ratio = Math.sqrt(variance(to) / variance(from));
  return mapElements(sample, (x) => to.signal * mean + ratio * (x - from.signal * mean));
}

/**
 * The model whose output means x̂₀ = `original(sample, level)`, whatever the scheduler takes outputs for: x̂₀ is affine
 * in the output.
 */
export function modelOf(
  scheduler: Scheduler,
  original: (x: number, level: NoiseLevel, element: number) => number,
): Model {
  return (_, __, index, sample) => {
    const level = scheduler.levelAt(index);
    const nothing = scheduler.predictOriginal(sample, zeros(sample.dtype, sample.shape), index);
    const factor = scheduler.predictOriginal(
      zeros(sample.dtype, sample.shape),
      mapElements(sample, () => 1),
      index,
    );
    return mapElements(sample, (x, i) => (original(x, level, i) - nothing.data[i]) / factor.data[i]);
  };
}

/** The exact model of the normal data. */
export function gaussianModel(scheduler: Scheduler): Model {
  return modelOf(
    scheduler,
    (x, level) => mean + ((level.signal * deviation ** 2) / variance(level)) * (x - level.signal * mean),
  );
}

export interface Experiment {
  readonly config: Config;
  readonly choices?: SchedulerChoices;
  /** Calls of the model that make a step. */
  readonly callsPerStep?: number;
  /** How many of the first steps are taken exactly: what a multistep method of high order needs to start with. */
  readonly exactStart?: number;
  /** The run ends at the first call of this timestep, instead of the last call. */
  readonly until?: number;
}

/**
 * The largest error of a run of `intervals` steps against the closed form, where the last call of the model is made:
 * the last step, to σ = 0, is of first order in every method.
 */
export function errorAfter(
  { config, choices = {}, callsPerStep = 1, exactStart = 0, until }: Experiment,
  intervals: number,
): number {
  const scheduler = createScheduler(config, intervals + 1, choices);
  const model = gaussianModel(scheduler);
  const begin = scheduler.levelAt(0);
  const start = tensor(
    'f64',
    [1, 1, 1, 3],
    Float64Array.of(-1.1, 0.3, 1.4).map((z) => begin.signal * mean + z * Math.sqrt(variance(begin))),
  );
  let sample = start;
  let state = scheduler.start;
  const last = until === undefined ? scheduler.timesteps.length - 1 : scheduler.timesteps.indexOf(until);
  for (let index = 0; index < last; index++) {
    const input = scheduler.scaleModelInput(sample, index);
    const modelOutput = model(input, scheduler.timesteps[index], index, sample);
    ({ state, sample } = scheduler.step(state, { index, modelOutput, sample, noise: noNoise }));
    if (index < exactStart * callsPerStep) sample = exactSolution(start, begin, scheduler.levelAt(index + 1));
  }
  const exact = exactSolution(start, begin, scheduler.levelAt(last));
  return Math.max(...Array.from(sample.data, (x, i) => Math.abs(x - exact.data[i])));
}

/** −slope of log error over log steps, by least squares. */
export function orderOf(points: readonly (readonly [steps: number, error: number])[]): number {
  const logs = points.map(([steps, error]) => [Math.log(steps), Math.log(error)] as const);
  const [x, y] = [0, 1].map((axis) => logs.reduce((sum, point) => sum + point[axis], 0) / logs.length);
  const product = (i: 0 | 1): number =>
    logs.reduce((sum, point) => sum + (point[0] - x) * (point[i] - (i === 0 ? x : y)), 0);
  return -product(1) / product(0);
}
