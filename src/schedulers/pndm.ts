/** PNDM: pseudo numerical methods (Liu et al. 2022, arXiv 2202.09778; `diffusers.PNDMScheduler`). */
import { add, addScaled, combine, divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import { checkAlphas } from './alpha-levels.ts';
import { levelOfAlpha } from './level.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config, type Options } from './options.ts';
import { epsilonAt, originalAt } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { f32, oneMinus, root } from './single.ts';
import { spacedTimesteps, spacings } from './spacing.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * x' = √(ᾱ'/ᾱ) x − (ᾱ' − ᾱ) ε / (ᾱ √(1−ᾱ') + √(ᾱ (1−ᾱ) ᾱ'))   (arXiv 2202.09778, eq. 11, there φ).
 * @param x x_t, like ε [B,C,H,W]
 * @param epsilon ε, or a mean of several
 * @param alpha ᾱ of x, from 0 to 1, float32
 * @param next ᾱ' of x'
 */
export function transfer(x: Tensor, epsilon: Tensor, alpha: number, next: number): Tensor {
  const denominator = f32(f32(alpha * root(oneMinus(next))) + root(f32(f32(alpha * oneMinus(alpha)) * next)));
  return subtract(scale(x, root(f32(next / alpha))), divideBy(scale(epsilon, f32(next - alpha)), denominator));
}

/** The weights of the four slopes of the classical Runge–Kutta method. */
const rungeKutta = [1 / 6, 1 / 3, 1 / 3, 1 / 6];

/** The weights of Adams–Bashforth by the number of outputs, the latest first: numerators and denominator. */
const weightsOfAdams: readonly (readonly [numerators: readonly number[], denominator: number])[] = [
  [[1], 1],
  [[3, -1], 2],
  [[23, -16, 5], 12],
  [[55, -59, 37, -9], 24],
];

/**
 * The mean of Adams–Bashforth, (55 ε − 59 ε₋₁ + 37 ε₋₂ − 9 ε₋₃)/24, or as far as there are outputs.
 * @param outputs from one to four, the latest first, [B,C,H,W] each
 */
export function adamsBashforth(outputs: readonly Tensor[]): Tensor {
  const [numerators, denominator] = at(weightsOfAdams, outputs.length - 1);
  const weighted = combine(outputs.map((output, k) => [at(numerators, k), output]));
  return outputs.length === 4 ? scale(weighted, 1 / denominator) : divideBy(weighted, denominator);
}

interface State {
  /** The model's outputs at the ends of the steps, the latest first: up to three. */
  readonly outputs: readonly Tensor[];
  /** In a step of several calls: where it began, and the weighted sum of its outputs. */
  readonly begin?: Tensor;
  readonly sum?: Tensor;
}

/** A call of the model at timestep t, after which x is moved between two timesteps. */
interface Call {
  readonly t: number;
  readonly from: number;
  readonly to: number;
}

/**
 * A run of PNDM. Both its methods move along DDIM's curve, whose direction is a mean of model outputs. PRK: three steps
 * of Runge–Kutta, four calls each. Then PLMS, linear multistep with four outputs, one call a step. Without PRK, PLMS
 * warms up: its first step is Heun's, the order then rises by one a step. A v is read as if the sample at the beginning
 * of the step had given it, as in diffusers.
 * @param steps how many, from 4 (without PRK from 1) to the timesteps of the training
 * @param leftOut how many of them are left out at the beginning. With PRK those that are left have their own start, as
 *   if they were all. (In diffusers they take the calls of the whole run for those of its start, and explode.) Without
 *   it the run is diffusers': see `warmingCalls`.
 * @throws InputError for a config or a number of steps that it does not support
 */
export function pndm(config: Config, steps: number, leftOut = 0): Scheduler<State> {
  const name = 'PNDMScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, { rescales: false });
  const { alphasCumprod, trainTimesteps, settings } = schedule;
  const { prediction, skipsPrk, spacing, offset, endsAtOne } = readKeys(options);
  const lastAlpha = endsAtOne ? 1 : at(alphasCumprod, 0);
  const read = options.finish();

  const grid = spacedTimesteps(spacing, trainTimesteps, steps, offset);
  const stride = Math.floor(trainTimesteps / steps);
  const prk = skipsPrk ? [] : prkCalls(name, grid.slice(leftOut), Math.floor(stride / 2));
  const plms = skipsPrk ? warmingCalls(grid, stride, leftOut) : plmsCalls(grid.slice(leftOut + 3), stride);
  const calls = [...prk, ...plms];
  const alphaOf = (timestep: number): number => (timestep >= 0 ? at(alphasCumprod, timestep) : lastAlpha);
  const moves = calls.map(({ t, from, to }) => ({ t, alpha: alphaOf(from), next: alphaOf(to) }));
  checkAlphas(name, schedule, prediction, moves);
  checkDivisors(name, settings, moves);

  const move = (x: Tensor, output: Tensor, { from, to }: Call): Tensor => {
    const [alpha, next] = [alphaOf(from), alphaOf(to)];
    return transfer(x, epsilonAt(prediction, x, output, levelOfAlpha(alpha)), alpha, next);
  };

  const prkStep = ({ outputs, begin, sum }: State, index: number, output: Tensor, sample: Tensor) => {
    const part = index % 4;
    const weight = at(rungeKutta, part);
    const total = sum ? addScaled(sum, weight, output) : scale(output, weight);
    const origin = begin ?? sample;
    const moved = move(origin, part === 3 ? total : output, at(calls, index));
    const kept = part === 0 ? [output, ...outputs] : outputs;
    return { state: part === 3 ? { outputs: kept } : { outputs: kept, begin: origin, sum: total }, sample: moved };
  };

  const plmsStep = ({ outputs, begin }: State, index: number, output: Tensor, sample: Tensor) => {
    const call = at(calls, index);
    if (begin) {
      // the second call of the first step
      const mean = divideBy(add(output, at(outputs, 0)), 2);
      return { state: { outputs }, sample: move(begin, mean, call) };
    }
    const known = [output, ...outputs];
    const isFirstOfTwo = outputs.length === 0;
    const state = { outputs: known.slice(0, 3), ...(isFirstOfTwo && { begin: sample }) };
    return { state, sample: move(sample, adamsBashforth(known), call) };
  };

  const levels = calls.map(({ t }) => levelOfAlpha(alphaOf(t)));
  return {
    name,
    config: read,
    timesteps: calls.map(({ t }) => t),
    start: { outputs: [] },
    ...variancePreserving(prediction, levels),
    step(state, { index, modelOutput, sample }) {
      const denoised = originalAt(prediction, sample, modelOutput, at(levels, index));
      return { denoised, ...(index < prk.length ? prkStep : plmsStep)(state, index, modelOutput, sample) };
    },
  };
}

function readKeys(options: Options) {
  return {
    prediction: options.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon'),
    skipsPrk: options.flag('skip_prk_steps', false),
    spacing: options.choice('timestep_spacing', spacings, 'leading'),
    offset: options.count('steps_offset', 0),
    endsAtOne: options.flag('set_alpha_to_one', false),
  };
}

/** @throws InputError where a step would divide by ᾱ = 0 */
function checkDivisors(name: string, settings: string, moves: readonly { t: number; alpha: number }[]): void {
  const vanished = moves.find(({ alpha }) => f32(1 / alpha) === Infinity);
  if (!vanished) return;
  throw new InputError(
    `${name}: with ${settings} ᾱ is ${vanished.alpha} at timestep ${vanished.t}, and a step divides by it; ` +
      'make β smaller',
  );
}

/**
 * The first three steps: four calls from each timestep to the next, at its beginning, twice in its middle, and at its
 * end.
 * @throws InputError for fewer than four timesteps
 */
function prkCalls(name: string, grid: readonly number[], half: number): readonly Call[] {
  if (grid.length < 4)
    throw new InputError(
      `${name}: ${grid.length} steps are asked for, but the Runge–Kutta start needs 4; set skip_prk_steps`,
    );
  return grid.slice(1, 4).flatMap((t, i) => {
    const from = at(grid, i);
    return [
      { t: from, from, to: from - half },
      { t: t + half, from, to: t + half },
      { t: t + half, from, to: t },
      { t, from, to: t },
    ];
  });
}

/** One call at each timestep, to the next. */
function plmsCalls(grid: readonly number[], stride: number): readonly Call[] {
  return grid.map((t) => ({ t, from: t, to: t - stride }));
}

/**
 * As plmsCalls, but the first step has a second call, at its end: the second timestep of the run stands there twice.
 * A run that begins later lacks its first calls, and takes whichever comes second for that of its first step: at the
 * same timestep where one is left out, else one further down, so that the model is told the next timestep ever after.
 * It is what all draw with it from a picture, Stable Diffusion's own scheduler among them.
 */
function warmingCalls(grid: readonly number[], stride: number, leftOut: number): readonly Call[] {
  const timesteps = [...grid.slice(0, 2), ...grid.slice(1)].slice(leftOut);
  return plmsCalls(timesteps, stride).map((call, i) =>
    i === 1 ? { t: call.t, from: call.t + stride, to: call.t } : call,
  );
}

/** What is known of it before it is created, and how it is. */
export const PNDMScheduler: SchedulerEntry = {
  name: 'PNDMScheduler',
  short: 'pndm',
  summary: 'Runge–Kutta for three steps, then linear multistep, along the curve of DDIM',
  source: 'Liu et al. 2022, arXiv 2202.09778',
  kind: 'discrete',
  createLater: pndm,
  create: (config, steps) => pndm(config, steps),
};
