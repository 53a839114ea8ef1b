/** PNDM: pseudo numerical methods (Liu et al. 2022, arXiv 2202.09778; `diffusers.PNDMScheduler`). */
import { add, addScaled, combine, divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { epsilonFrom, originalFrom, signalAndNoise, variancePreserving } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { spacedTimesteps, spacings } from './spacing.ts';

const f32 = Math.fround;

interface State {
  /** The model's outputs at the ends of the steps, the latest first: up to three. */
  readonly outputs: readonly Tensor[];
  /** In a step of several calls: where it began, and the weighted sum of its outputs. */
  readonly begin?: Tensor;
  readonly sum?: Tensor;
}

/** The weights of the four slopes of the classical Runge–Kutta method. */
const rungeKutta = [1 / 6, 1 / 3, 1 / 3, 1 / 6];

/** Adams–Bashforth's weights, the latest output first, by their number; numerators and denominator. */
const adamsBashforth: readonly (readonly [readonly number[], number])[] = [
  [[1], 1],
  [[3, -1], 2],
  [[23, -16, 5], 12],
  [[55, -59, 37, -9], 24],
];

/**
 * Both methods move along DDIM's curve, whose direction is a mean of model outputs ("transfer", eq. 11). PRK: three
 * steps of Runge–Kutta, four calls each. Then PLMS, linear multistep with four outputs, one call a step. Without PRK,
 * PLMS warms up: its first step is Heun's, the order then rises by one a step.
 */
export function pndm(config: Config, steps: number): Scheduler<State> {
  const name = 'PNDMScheduler';
  const options = readOptions(config, name);
  const { alphasCumprod, trainTimesteps } = readNoiseSchedule(options, commonBetaSchedules, name, { rescales: false });
  const prediction = options.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const skipsPrk = options.flag('skip_prk_steps', false);
  const spacing = options.choice('timestep_spacing', spacings, 'leading');
  const offset = options.count('steps_offset', 0);
  const lastAlpha = options.flag('set_alpha_to_one', false) ? 1 : alphasCumprod[0];
  const read = options.finish();
  if (!skipsPrk && steps < 4)
    throw new InputError(
      `${name}: ${steps} steps are asked for, but the Runge–Kutta start needs 4; set skip_prk_steps`,
    );

  const grid = spacedTimesteps(spacing, trainTimesteps, steps, offset);
  const stride = Math.floor(trainTimesteps / steps);
  const half = Math.floor(stride / 2);
  const prk = skipsPrk ? [] : [1, 2, 3].flatMap((i) => [grid[i - 1], grid[i] + half, grid[i] + half, grid[i]]);
  const timesteps = skipsPrk ? [...grid.slice(0, 2), ...grid.slice(1)] : [...prk, ...grid.slice(3)];
  const alphaOf = (timestep: number): number => (timestep >= 0 ? alphasCumprod[timestep] : lastAlpha);

  /**
   * x' = √(ᾱ'/ᾱ) x − (ᾱ' − ᾱ) ε / (ᾱ √(1−ᾱ') + √(ᾱ (1−ᾱ) ᾱ')). A v is read as if the sample at `from` had given it, as
   * in diffusers.
   */
  const transfer = (sample: Tensor, output: Tensor, from: number, to: number): Tensor => {
    const [a, b] = [alphaOf(from), alphaOf(to)];
    const denominator = f32(f32(a * f32(Math.sqrt(f32(1 - b)))) + f32(Math.sqrt(f32(f32(a * f32(1 - a)) * b))));
    const epsilon = epsilonFrom(prediction, sample, output, a);
    return subtract(scale(sample, f32(Math.sqrt(f32(b / a)))), divideBy(scale(epsilon, f32(b - a)), denominator));
  };

  const prkStep = ({ outputs, begin, sum }: State, index: number, output: Tensor, sample: Tensor) => {
    const call = index % 4;
    const total = sum ? addScaled(sum, rungeKutta[call], output) : scale(output, rungeKutta[call]);
    const origin = begin ?? sample;
    const to = timesteps[index] - (call % 2 === 0 ? half : 0);
    const moved = transfer(origin, call === 3 ? total : output, prk[index - call], to);
    const kept = call === 0 ? [output, ...outputs].slice(0, 3) : outputs;
    return { state: call === 3 ? { outputs: kept } : { outputs: kept, begin: origin, sum: total }, sample: moved };
  };

  const plmsStep = ({ outputs, begin }: State, index: number, output: Tensor, sample: Tensor) => {
    if (begin) {
      // the second call of the first step
      const mean = divideBy(add(output, outputs[0]), 2);
      return { state: { outputs }, sample: transfer(begin, mean, timesteps[index] + stride, timesteps[index]) };
    }
    const known = [output, ...outputs];
    const [numerators, denominator] = adamsBashforth[known.length - 1];
    const weighted = combine(known.map((one, k) => [numerators[k], one]));
    const mean = known.length === 4 ? scale(weighted, 1 / denominator) : divideBy(weighted, denominator);
    const isFirstOfTwo = outputs.length === 0 && steps > 1;
    const state = { outputs: known.slice(0, 3), ...(isFirstOfTwo && { begin: sample }) };
    return { state, sample: transfer(sample, mean, timesteps[index], timesteps[index] - stride) };
  };

  return {
    name,
    config: read,
    timesteps,
    start: { outputs: [] },
    ...variancePreserving(prediction, (index) => signalAndNoise(alphaOf(timesteps[index]))),
    step(state, { index, modelOutput, sample }) {
      const denoised = originalFrom(prediction, sample, modelOutput, alphaOf(timesteps[index]));
      return { denoised, ...(index < prk.length ? prkStep : plmsStep)(state, index, modelOutput, sample) };
    },
  };
}
