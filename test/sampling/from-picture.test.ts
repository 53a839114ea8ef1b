/**
 * Runs that begin with a picture, against diffusers (scripts/goldens/img2img.py): what they begin with, and the sample
 * after every call, by the rule of test/schedulers/goldens.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { none } from '../../src/guidance/none.ts';
import type { Denoiser } from '../../src/sampling/denoiser.ts';
import { forEachSample, noisedPicture, stepsLeftOut } from '../../src/sampling/from-picture.ts';
import { sampleSteps, sampleToEnd } from '../../src/sampling/sample.ts';
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler, schedulerNames, schedulers } from '../../src/schedulers/registry.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { namedHere } from '../schedulers/golden-runs.ts';
import { readGoldens, ulpOf } from '../tensor/goldens.ts';
import { formulaDenoiser } from './formula.ts';

interface Case {
  readonly name: string;
  readonly class: string;
  readonly config: Config;
  /** None where the choices have timesteps of their own. */
  readonly steps: number | null;
  /** Under the names that diffusers has for them. */
  readonly choices: Readonly<Record<string, unknown>>;
  /** Of what says how many steps are left out; beside `choices.strength`, by which a scheduler spaces its own. */
  readonly strength: number;
  readonly timesteps: readonly number[];
}

const shape = [1, 2, 3, 4];
const size = 24;
const { metadata, tensors } = readGoldens('img2img/runs.safetensors');
const cases = JSON.parse(metadata['cases']) as Case[];
const given = (name: string, dtype: 'f32' | 'f64'): Tensor =>
  cast(tensor('f32', shape, tensors[name] as Float32Array), dtype);

const formula = (dtype: 'f32' | 'f64', isScore = false): Denoiser =>
  formulaDenoiser(
    ['a', 'b', 'c'].map((name) => given(name, dtype)),
    isScore,
  );

function drawn(one: Case, dtype: 'f32' | 'f64'): { start: Tensor; samples: readonly Tensor[]; timesteps: number[] } {
  const spaces = one.choices['strength'] !== undefined;
  const choices = spaces ? one.choices : { ...one.choices, begin: stepsLeftOut(one.steps ?? 0, one.strength) };
  const config = { _class_name: one.class, ...one.config };
  const scheduler = createScheduler(config, one.steps ?? undefined, namedHere(choices));
  let draw = 0;
  const noise = given('noise', dtype);
  const start = noisedPicture(scheduler, given('picture', dtype), noise);
  const noiseSource = (): Tensor => given(`noise.${draw++}`, dtype);
  const denoiser = formula(dtype, one.class === 'ScoreSdeVeScheduler');
  const steps = [...sampleSteps({ denoiser, guidance: none, scheduler, noise, start, noiseSource })];
  return { start, samples: steps.map(({ sample }) => sample), timesteps: steps.map(({ timestep }) => timestep) };
}

/** The largest distance; NaN if there is one. */
const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));

/** Those that lead from a picture to noise. */
const inverse = ['DDIMInverseScheduler', 'DPMSolverMultistepInverseScheduler'];

it('there are runs of every scheduler that can begin with a picture, also with a strength of its own', () => {
  const classes = new Set(cases.map((one) => one.class));
  const missing = schedulerNames.filter((name) => !classes.has(name));
  expect(missing.sort(), 'add its runs to scripts/goldens/img2img.py').toEqual(inverse);
  const spacing = Object.keys(schedulers).filter((name) => schedulers[name]?.strength);
  const runs = cases.filter((one) => one.choices['strength'] !== undefined);
  expect([...new Set(runs.map((one) => one.class))].sort()).toEqual(spacing.sort());
});

describe('a run from a picture', () => {
  it.each(cases.map((one) => [one.name, one] as const))('%s', (name, one) => {
    const [single, double] = (['f32', 'f64'] as const).map((dtype) => drawn(one, dtype));
    expect(single.timesteps).toHaveLength(one.timesteps.length);
    one.timesteps.forEach((t, i) => {
      expect(Math.abs(single.timesteps[i] - t)).toBeLessThanOrEqual(Number.isInteger(t) ? 0 : 1e-3);
    });
    const theirs = (format: 'f32' | 'f64', call: number): readonly number[] =>
      call === 0
        ? Array.from(tensors[`${name}/start/${format}`])
        : Array.from(tensors[`${name}/${format}`]).slice((call - 1) * size, call * size);
    let deviation = 0;
    for (let call = 0; call <= one.timesteps.length; call++) {
      const [ours32, ours64] = [single, double].map(({ start, samples }) => [start, ...samples][call].data);
      const exact = theirs('f64', call);
      deviation = Math.max(deviation, largest(theirs('f32', call), exact));
      const extent = Math.max(...exact.map(Math.abs));
      expect(largest(ours32, exact), `after ${call} calls in f32`).toBeLessThanOrEqual(
        2 * deviation + 4 * ulpOf(extent, 'f32'),
      );
      expect(largest(ours64, exact), `after ${call} calls in f64`).toBeLessThanOrEqual(
        8 * 2 ** -29 * deviation + 4 * ulpOf(extent, 'f64'),
      );
    }
  });

  it('is not what diffusers makes of it with LMS and the Runge–Kutta start of PNDM, which it mistakes', () => {
    const departing = cases.filter(({ name }) => `${name}/departing/f64` in tensors);
    expect(new Set(departing.map((one) => one.class))).toEqual(new Set(['LMSDiscreteScheduler', 'PNDMScheduler']));
    expect(departing.filter(({ config }) => config['skip_prk_steps'] === true)).toEqual([]);
    for (const one of departing) {
      const ours = drawn(one, 'f64').samples.at(-1);
      expect(largest(ours?.data ?? [], tensors[`${one.name}/departing/f64`]), one.name).toBeGreaterThan(0.01);
    }
  });
});

describe('a strength', () => {
  it.each([
    [20, 1, 0],
    [20, 0.6, 8],
    [10, 0.7, 3],
    [50, 0.58, 22], // 50 · 0.58 is 28.999…, of which diffusers takes 28
    [3, 0.34, 2],
    [1, 1, 0],
  ])('of %d steps, %d, leaves out %d', (steps, strength, begin) => {
    expect(stepsLeftOut(steps, strength)).toBe(begin);
  });

  it.each([0, -0.1, 1.01, NaN])('of %d is refused', (strength) => {
    expect(() => stepsLeftOut(20, strength)).toThrow(InputError);
    expect(() => stepsLeftOut(20, strength)).toThrow(`the strength is ${strength}; expected a number above 0, to 1`);
  });

  it('that leaves no step is refused', () => {
    expect(() => stepsLeftOut(20, 0.049)).toThrow('a strength of 0.049 leaves none of 20 steps; take more steps or');
  });
});

describe('the start of a run', () => {
  const noise = manualSeed(0).randn([3, 2, 3, 4]);
  const picture = given('picture', 'f32');
  const scheduler = createScheduler({ _class_name: 'DDIMScheduler' }, 10, { begin: 4 });

  it('is one picture with the noise of every sample, or a picture for each', () => {
    const one = noisedPicture(scheduler, picture, noise);
    expect(one.shape).toEqual([3, 2, 3, 4]);
    const three = forEachSample(picture, noise);
    expect([...three.data]).toEqual([...picture.data, ...picture.data, ...picture.data]);
    expect(noisedPicture(scheduler, three, noise)).toEqual(one);
    expect(one).toEqual(scheduler.addNoise(three, noise, 0));
  });

  it('is refused for a picture of another size or precision, or not finite', () => {
    const make = (one: Tensor) => () => noisedPicture(scheduler, one, noise);
    expect(make(manualSeed(0).randn([1, 1, 3, 4]))).toThrow('the picture is [1, 1, 3, 4] in f32, but the run needs');
    expect(make(manualSeed(0).randn([2, 2, 3, 4]))).toThrow('or one such picture for all samples');
    expect(make(given('picture', 'f64'))).toThrow('in f64');
    expect(make(tensor('f32', shape, new Float32Array(size).fill(NaN)))).toThrow('not finite');
  });

  it('is refused where it is not as the noise, before the first step', () => {
    const run = { denoiser: formula('f32'), guidance: none, scheduler, noise, noiseSource: manualSeed(1).randn };
    expect(() => sampleToEnd({ ...run, start: picture })).toThrow(
      'the start is [1, 2, 3, 4] in f32, but the noise is [3, 2, 3, 4] in f32; expected the same',
    );
    expect(() => sampleToEnd({ ...run, start: { ...noise, data: noise.data.map(() => Infinity) } })).toThrow(
      'the start has Infinity at index 0',
    );
  });
});
