/**
 * Whole runs against diffusers (scripts/goldens/schedulers.py, steps.py): timesteps, noise levels, and the sample after
 * every call.
 *
 * How near is near enough? `truth` is diffusers' run in float64, d the largest distance of diffusers' own float32 run
 * from it so far.
 * - Ours in float32 must be as near the truth as PyTorch's: within 2d, and a few units of the last place of the sample.
 * - Ours in float64 and the truth err likewise, in float64, whose unit is 2⁻²⁹ of float32's: each by about 2⁻²⁹ d, or 4
 *   times as much where d was lucky (a coefficient is a single rounding). Hence within 8 · 2⁻²⁹ d, and as many units.
 */
import { expect } from 'vitest';
import { concatChannels } from '../../src/kernels/plain/rearrange.ts';
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler, type SchedulerChoices } from '../../src/schedulers/registry.ts';
import type { NoiseSource, Scheduler } from '../../src/schedulers/scheduler.ts';
import { add, divide, divideBy, mapElements, multiply, scale } from '../../src/tensor/arithmetic.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { readGoldens, ulpOf } from '../tensor/goldens.ts';
import { to, walk } from './support.ts';

/** A run of diffusers. */
export interface Case {
  readonly name: string;
  readonly config: Config;
  /** None where the choices have steps of their own. */
  readonly steps: number | null;
  /** Under the names that diffusers has for them. */
  readonly choices: Readonly<Record<string, unknown>>;
  readonly timesteps: readonly number[];
  /** ᾱ or σ of each call. */
  readonly levels: readonly number[];
  readonly init_noise_sigma: number;
}

const shape = [2, 2, 4, 4];
const size = 64;
const units = 4;
/** Our names of what a run chooses: sChurn for s_churn. */
export const namedHere = (choices: Case['choices']): SchedulerChoices =>
  Object.fromEntries(
    Object.entries(choices).map(([key, value]) => [
      key.replace(/_(.)/, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );

/** The classes that are driven by ᾱ and not by σ. */
export const byAlpha = [
  'DDPMScheduler',
  'DDIMScheduler',
  'DDIMInverseScheduler',
  'PNDMScheduler',
  'LCMScheduler',
  'TCDScheduler',
  'IPNDMScheduler',
];

/** The classes whose time is continuous, from 0 to 1. */
const continuous = ['IPNDMScheduler', 'CosineDPMSolverMultistepScheduler'];

const given = readGoldens('schedulers/given.safetensors').tensors;
const givenTensor = (name: string, dtype: 'f32' | 'f64'): Tensor => to(dtype, tensor('f32', shape, given[name]));

/** a x + b/(1 + x²) + c/(1 + (t/500)²); of a score that, divided by −(1 + σ²). */
function modelOf(className: string, config: Config, dtype: 'f32' | 'f64') {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => givenTensor(name, dtype));
  const hasVariance = String(config['variance_type']).startsWith('learned');
  return (x: Tensor, t: number): Tensor => {
    const output = add(
      add(
        multiply(a, x),
        divide(
          b,
          mapElements(multiply(x, x), (square) => 1 + square),
        ),
      ),
      scale(c, 1 / (1 + (t / 500) ** 2)),
    );
    if (className === 'ScoreSdeVeScheduler') return divideBy(output, -(1 + t ** 2));
    return hasVariance ? concatChannels(output, givenTensor('variance', dtype)) : output;
  };
}

function recordedNoise(dtype: 'f32' | 'f64'): NoiseSource {
  let draw = 0;
  return () => givenTensor(`noise.${draw++}`, dtype);
}

function run(scheduler: Scheduler, config: Config, dtype: 'f32' | 'f64'): Tensor[] {
  const sample = scale(givenTensor('sample', dtype), scheduler.initNoiseSigma);
  return walk(scheduler, { model: modelOf(scheduler.name, config, dtype), sample, noise: recordedNoise(dtype) });
}

/** √ᾱ or σ of each call, from what addNoise does to a number. */
function levelsOf(scheduler: Scheduler, isFlow: boolean): number[] {
  const one = tensor('f64', [1, 1], Float64Array.of(1));
  const zero = tensor('f64', [1, 1], Float64Array.of(0));
  return scheduler.timesteps.map((_, index) => {
    const signal = scheduler.addNoise(one, zero, index).data[0];
    const noise = scheduler.addNoise(zero, one, index).data[0];
    if (byAlpha.includes(scheduler.name)) return signal;
    return isFlow ? noise : noise / signal;
  });
}

/** The largest distance; NaN if there is one. */
const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));

/** Runs a case, and holds all of it against what diffusers has. */
export function expectRun(
  className: string,
  { name, config, steps, choices, timesteps, levels, init_noise_sigma: start }: Case,
  tensors: Readonly<Record<string, ArrayLike<number>>>,
): void {
  const scheduler = createScheduler({ _class_name: className, ...config }, steps ?? undefined, namedHere(choices));
  expect(scheduler.timesteps).toHaveLength(timesteps.length);
  const level = levelsOf(scheduler, config['use_flow_sigmas'] === true || className.startsWith('Flow'));
  const expected = levels.map((value) => (byAlpha.includes(className) ? Math.fround(Math.sqrt(value)) : value));
  // Equal, but for the roundings on the way from σ to the factors of signal and noise and back, or through its
  // logarithm (at most 10).
  level.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(16 * ulpOf(expected[i], 'f64'));
  });
  timesteps.forEach((t, i) => {
    expect(Math.abs(scheduler.timesteps[i] - t)).toBeLessThanOrEqual(timestepTolerance(className, t));
  });
  expect(scheduler.initNoiseSigma).toBe(start);

  const [single, truth] = [tensors[`${name}/f32`], tensors[`${name}/f64`]];
  const [ours32, ours64] = (['f32', 'f64'] as const).map((dtype) => run(scheduler, config, dtype));
  let deviation = 0;
  ours32.forEach((sample, call) => {
    const part = (data: ArrayLike<number>): number[] => Array.from(data).slice(call * size, (call + 1) * size);
    const exact = part(truth);
    deviation = Math.max(deviation, largest(part(single), exact));
    const extent = Math.max(...exact.map(Math.abs));
    expect(largest(sample.data, exact), `call ${call} in float32`).toBeLessThanOrEqual(
      2 * deviation + units * ulpOf(extent, 'f32'),
    );
    expect(largest(ours64[call].data, exact), `call ${call} in float64`).toBeLessThanOrEqual(
      8 * 2 ** -29 * deviation + units * ulpOf(extent, 'f64'),
    );
  });
}

/**
 * Whole timesteps are equal. Between them the place is (ln σ − ln σ_k)/(ln σ_{k+1} − ln σ_k), and the logarithms are
 * float32. Those of continuous time lie in [0, 1], to a unit of float32.
 */
function timestepTolerance(className: string, t: number): number {
  if (continuous.includes(className)) return 2 ** -23;
  return Number.isInteger(t) ? 0 : 1e-3;
}
