/**
 * The noise schedule that all schedulers share: β per training timestep, and ᾱ = Π (1 − β).
 *
 * The tables are those of PyTorch, float32, rounded where it rounds; so runs can be compared step by step.
 */
import { InputError } from '../tensor/errors.ts';
import { cos, exp, log, sigmoid } from '../tensor/math/index.ts';
import { at, lastOf } from '../tensor/at.ts';
import type { Options } from './options.ts';
import { f32 } from './single.ts';

/** The values of beta_schedule that DDPM has. */
export const betaSchedules = ['linear', 'scaled_linear', 'squaredcos_cap_v2', 'sigmoid', 'laplace'] as const;
/** How β runs over the training; `exp` is of Heun alone. */
export type BetaSchedule = (typeof betaSchedules)[number] | 'exp';
/** Those that every scheduler of diffusers has. */
export const commonBetaSchedules = ['linear', 'scaled_linear', 'squaredcos_cap_v2'] as const;

/** In what the schedulers differ when they read their noise schedule. */
export interface ScheduleDefaults {
  /** Of beta_start, where it is not 0.0001. */
  readonly start?: number;
  /** Of beta_end, where it is not 0.02. */
  readonly end?: number;
  /** Of beta_schedule, where it is not linear. */
  readonly schedule?: BetaSchedule;
  /** Whether the class has the key rescale_betas_zero_snr. */
  readonly rescales?: boolean;
}

/** β and ᾱ over the training. */
export interface NoiseSchedule {
  /** How many timesteps the training had, T. */
  readonly trainTimesteps: number;
  /** β_t, from 0 to 1, at least T of them. */
  readonly betas: Float32Array;
  /** ᾱ_t, from 1 down to 0, at least T of them. */
  readonly alphasCumprod: Float32Array;
  /** The settings that it follows from, for messages. */
  readonly settings: string;
}

/**
 * Reads num_train_timesteps, beta_start, beta_end, beta_schedule, trained_betas, rescale_betas_zero_snr.
 * @param schedules the values of beta_schedule that the class has
 * @throws InputError for values that are not supported, among them β beyond [0, 1], and a zero terminal SNR of a signal
 *   that does not fall
 */
export function readNoiseSchedule(
  options: Options,
  schedules: readonly BetaSchedule[],
  scheduler: string,
  defaults: ScheduleDefaults = {},
): NoiseSchedule {
  const trained = options.numbers('trained_betas');
  const announced = options.count('num_train_timesteps', 1000);
  if (trained && trained.length < announced) {
    throw new InputError(
      `${scheduler}: trained_betas has ${trained.length} numbers, fewer than num_train_timesteps = ${announced}`,
    );
  }
  expectTrained(scheduler, announced);
  const start = options.number('beta_start', defaults.start ?? 0.0001);
  const end = options.number('beta_end', defaults.end ?? 0.02);
  const wrong = [start, end, ...(trained ?? [])].find((beta) => !(beta >= 0 && beta <= 1));
  if (wrong !== undefined)
    throw new InputError(
      `${scheduler}: a β is ${wrong}; beta_start, beta_end and trained_betas are variances, from 0 to 1`,
    );
  const schedule = options.choice('beta_schedule', schedules, defaults.schedule ?? 'linear');
  const betas = trained ? Float32Array.from(trained) : createBetas(schedule, start, end, announced);
  const rescales = (defaults.rescales ?? true) && options.flag('rescale_betas_zero_snr', false);
  const used = rescales ? rescaleZeroTerminalSnr(betas) : betas;
  const ends = trained ? 'trained_betas' : `beta_start = ${start} and beta_end = ${end}`;
  if (!used.every(Number.isFinite))
    throw new InputError(
      `${scheduler}: rescale_betas_zero_snr cannot stretch the signal that ${ends} leave over ` +
        `num_train_timesteps = ${announced}: it must fall from timestep to timestep, and not to 0`,
    );
  const settings = rescales ? 'rescale_betas_zero_snr' : ends;
  const alphasCumprod = cumulativeProduct(used.map((beta) => 1 - beta));
  return { trainTimesteps: announced, betas: used, alphasCumprod, settings };
}

/** @throws InputError for a training without timesteps. @param count num_train_timesteps */
export function expectTrained(scheduler: string, count: number): void {
  if (count < 1) throw new InputError(`${scheduler}: num_train_timesteps is ${count}; expected at least 1`);
}

function createBetas(schedule: BetaSchedule, start: number, end: number, count: number): Float32Array {
  switch (schedule) {
    case 'linear':
      return linspace(start, end, count);
    case 'scaled_linear':
      return linspace(Math.sqrt(start), Math.sqrt(end), count).map((root) => root * root);
    case 'sigmoid':
      return linspace(-6, 6, count).map((x) => f32(f32(sigmoid(x)) * f32(end - start)) + f32(start));
    case 'squaredcos_cap_v2':
      return betasForAlphaBar(count, cosineAlphaBar);
    case 'laplace':
      return betasForAlphaBar(count, laplaceAlphaBar);
    case 'exp':
      return betasForAlphaBar(count, (t) => exp(-12 * t));
  }
}

/** torch.linspace in float32: from the start up to the middle, from the end from there on; one rounding each. */
export function linspace(start: number, end: number, count: number): Float32Array {
  const [first, last] = [f32(start), f32(end)];
  const step = count > 1 ? f32(f32(last - first) / (count - 1)) : 0;
  const middle = Math.max(Math.floor(count / 2), 1);
  return new Float32Array(count).map((_, i) => (i < middle ? first + step * i : last - step * (count - 1 - i)));
}

/** ᾱ(t) of Nichol & Dhariwal 2021 (arXiv 2102.09672): cos² of a quarter turn. */
function cosineAlphaBar(t: number): number {
  const c = cos((((t + 0.008) / 1.008) * Math.PI) / 2);
  return c * c;
}

/** The Laplace schedule (arXiv 2407.03297) as diffusers has it. */
function laplaceAlphaBar(t: number): number {
  const lambda = -0.5 * Math.sign(0.5 - t || 1) * log(1 - 2 * Math.abs(0.5 - t) + 1e-6);
  const snr = exp(lambda);
  return Math.sqrt(snr / (1 + snr));
}

/** The β that make ᾱ follow a curve over [0, 1], none above 0.999. */
function betasForAlphaBar(count: number, alphaBar: (t: number) => number): Float32Array {
  return new Float32Array(count).map((_, i) => Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), 0.999));
}

/** torch.cumprod: kept in double precision, stored in float32. */
function cumulativeProduct(factors: Float32Array): Float32Array {
  let product = 1;
  return factors.map((factor) => (product *= factor));
}

/** Shifts √ᾱ so that the last timestep is pure noise (Lin et al. 2023, arXiv 2305.08891, algorithm 1). */
function rescaleZeroTerminalSnr(betas: Float32Array): Float32Array {
  const roots = cumulativeProduct(betas.map((beta) => 1 - beta)).map(Math.sqrt);
  const [first, last] = [at(roots, 0), lastOf(roots)];
  const stretch = f32(first / f32(first - last));
  const alphasBar = roots.map((root) => {
    const shifted = f32(f32(root - last) * stretch);
    return shifted * shifted;
  });
  return alphasBar.map((value, t) => 1 - (t === 0 ? value : f32(value / at(alphasBar, t - 1))));
}
