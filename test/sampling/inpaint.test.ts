/**
 * Repainting against diffusers (scripts/goldens/inpaint.py): putting the rest back after each step, with every
 * scheduler, and RePaint with its jumps.
 */
import { describe, expect, it } from 'vitest';
import { none } from '../../src/guidance/none.ts';
import type { Denoiser } from '../../src/sampling/denoiser.ts';
import { replacing, type Inpainting } from '../../src/sampling/inpaint.ts';
import { renoiseStep, repainting, type Jumps } from '../../src/sampling/repaint.ts';
import { sampleSteps, sampleToEnd } from '../../src/sampling/sample.ts';
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler, schedulerNames } from '../../src/schedulers/registry.ts';
import type { Scheduler } from '../../src/schedulers/scheduler.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { readGoldens, ulpOf } from '../tensor/goldens.ts';
import { formulaDenoiser } from './formula.ts';

interface Replaced {
  readonly name: string;
  readonly class: string;
  readonly config: Config;
  readonly steps: number;
  readonly choices: { readonly eta?: number };
}
interface Repainted {
  readonly name: string;
  readonly config: Config;
  readonly steps: number;
  readonly eta: number;
  readonly jump_length: number;
  readonly jump_n_sample: number;
  readonly timesteps: readonly number[];
}
type Precision = 'f32' | 'f64';

const shape = [2, 2, 3, 4];
const size = 48;
const { metadata, tensors } = readGoldens('inpaint/runs.safetensors');
const cases = JSON.parse(metadata['cases']) as (Replaced | Repainted)[];
const replaced = cases.filter((one): one is Replaced => 'class' in one);
const repainted = cases.filter((one): one is Repainted => 'jump_length' in one);
const given = (name: string, dtype: Precision, of: readonly number[] = shape): Tensor =>
  cast(tensor('f32', of, tensors[name] as Float32Array), dtype);
const inpaintingIn = (dtype: Precision): Inpainting => ({
  picture: given('picture', dtype),
  mask: given('mask', dtype, [2, 1, 3, 4]),
});

const formula = (dtype: Precision, isScore = false, asked: Tensor[] = []): Denoiser =>
  formulaDenoiser(
    ['a', 'b', 'c'].map((name) => given(name, dtype)),
    isScore,
    asked,
  );

function stored(dtype: Precision): () => Tensor {
  let draw = 0;
  return () => given(`noise.${draw++}`, dtype);
}

/** The largest distance; NaN if there is one. */
const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));

describe('what the mask keeps is put back after each step', () => {
  it('is held to diffusers with all schedulers but those put back to another level, or that go the other way', () => {
    const classes = new Set(replaced.map((one) => one.class));
    const missing = schedulerNames.filter((name) => !classes.has(name));
    expect(missing, 'add its runs to scripts/goldens/inpaint.py').toEqual([
      'DDIMInverseScheduler',
      'KDPM2DiscreteScheduler',
      'KDPM2AncestralDiscreteScheduler',
      'DPMSolverMultistepInverseScheduler',
      'DPMSolverSDEScheduler',
    ]);
  });

  it.each(replaced.map((one) => [one.name, one] as const))('%s', (name, one) => {
    const samplesIn = (dtype: Precision): readonly Tensor[] => {
      const plain = createScheduler({ _class_name: one.class, ...one.config }, one.steps, one.choices);
      const noise = given('noise', dtype);
      const scheduler = replacing(plain, inpaintingIn(dtype), noise);
      const denoiser = formula(dtype, one.class === 'ScoreSdeVeScheduler');
      const run = { denoiser, guidance: none, scheduler, noise, noiseSource: stored(dtype) };
      return [...sampleSteps(run)].map(({ sample }) => sample);
    };
    const [single, double] = (['f32', 'f64'] as const).map(samplesIn);
    const [theirs32, theirs64] = [tensors[`${name}/f32`], tensors[`${name}/f64`]];
    expect(single.length * size).toBe(theirs32.length);
    let deviation = 0;
    for (const [call, sample] of single.entries()) {
      const part = (data: ArrayLike<number>): number[] => Array.from(data).slice(call * size, (call + 1) * size);
      const exact = part(theirs64);
      deviation = Math.max(deviation, largest(part(theirs32), exact));
      const extent = Math.max(...exact.map(Math.abs));
      const limits = [2 * deviation + 4 * ulpOf(extent, 'f32'), 8 * 2 ** -29 * deviation + 4 * ulpOf(extent, 'f64')];
      expect(largest(sample.data, exact), `call ${call} in f32`).toBeLessThanOrEqual(limits[0]);
      expect(largest(double[call].data, exact), `call ${call} in f64`).toBeLessThanOrEqual(limits[1]);
    }
  });

  it('and is at the end the picture, whatever the model and the scheduler make of it', () => {
    const { picture, mask } = inpaintingIn('f32');
    const noise = given('noise', 'f32');
    for (const name of ['KDPM2DiscreteScheduler', 'HeunDiscreteScheduler', 'EulerAncestralDiscreteScheduler']) {
      const scheduler = replacing(createScheduler({ _class_name: name }, 5), { picture, mask }, noise);
      const noiseSource = manualSeed(1).randn;
      const sample = sampleToEnd({ denoiser: formula('f32'), guidance: none, scheduler, noise, noiseSource });
      sample.data.forEach((value, i) => {
        const isKept = mask.data[Math.floor(i / 24) * 12 + (i % 12)] === 0;
        expect(value === picture.data[i], `${name}, ${i}`).toBe(isKept);
      });
    }
  });
});

describe('RePaint', () => {
  const schedulerOf = (one: Repainted, dtype: Precision): Scheduler =>
    repainting(
      createScheduler({ _class_name: 'DDIMScheduler', ...one.config }, one.steps, { eta: one.eta }),
      inpaintingIn(dtype),
      given('noise', dtype),
      { jumpLength: one.jump_length, jumpNSample: one.jump_n_sample },
    );

  // Their steps up are by β, ours by the levels, whose ᾱ are float32: what is added differs by 1e-7/√β, β from 0.05.
  it.each(repainted.map((one) => [one.name, one] as const))('%s', (name, one) => {
    for (const dtype of ['f32', 'f64'] as const) {
      const asked: Tensor[] = [];
      const scheduler = schedulerOf(one, dtype);
      expect(scheduler.timesteps).toEqual(one.timesteps);
      const noise = given('noise', dtype);
      const run = {
        denoiser: formula(dtype, false, asked),
        guidance: none,
        scheduler,
        noise,
        noiseSource: stored(dtype),
      };
      const last = sampleToEnd(run);
      const ours = [...asked, last].flatMap(({ data }) => [...data]);
      const exact = tensors[`${name}/f64`];
      expect(ours).toHaveLength(exact.length);
      const theirs = largest(tensors[`${name}/f32`], exact);
      expect(largest(ours, exact), dtype).toBeLessThanOrEqual(2 * theirs + 4e-6);
    }
  });

  it('with DDPM is RePaint with DDIM and η = 1', () => {
    const config = { clip_sample: false };
    const noise = given('noise', 'f64');
    const [ddpm, ddim] = [
      createScheduler({ _class_name: 'DDPMScheduler', ...config }, 10),
      createScheduler({ _class_name: 'DDIMScheduler', ...config }, 10, { eta: 1 }),
    ].map((plain) => {
      const scheduler = repainting(plain, inpaintingIn('f64'), noise, { jumpLength: 2, jumpNSample: 3 });
      const noiseSource = (size: readonly number[]): Tensor => random.randn(size, 'f64');
      const random = manualSeed(2);
      return sampleToEnd({ denoiser: formula('f64'), guidance: none, scheduler, noise, noiseSource });
    });
    expect(largest(ddpm.data, ddim.data)).toBeLessThan(1e-4);
  });

  it('goes up to the level where the way down begins', () => {
    const plain = createScheduler({ _class_name: 'DDPMScheduler' }, 10);
    const [x0, e0, z] = [0, 1, 2].map((seed) => manualSeed(seed).randn([1, 1, 100, 100], 'f64'));
    const [from, to] = [plain.levelAt(7), plain.levelAt(6)];
    const x = plain.addNoise(x0, e0, 7);
    const up = renoiseStep(x, from, to, z);
    const rest = Array.from(up.data, (value, i) => value - to.signal * x0.data[i]);
    const deviation = Math.sqrt(rest.reduce((sum, value) => sum + value * value, 0) / rest.length);
    expect(deviation / to.noise).toBeCloseTo(1, 1);
    expect(renoiseStep(x, from, from, z).data[0]).toBeCloseTo(x.data[0], 12);
    // The variances add up to that of the level, whatever they are.
    const [ratio, added] = [to.signal / from.signal, (up.data[0] - (to.signal / from.signal) * x.data[0]) / z.data[0]];
    expect((ratio * from.noise) ** 2 + added ** 2).toBeCloseTo(to.noise ** 2, 12);
  });

  it('without jumps has the calls of the scheduler', () => {
    const plain = createScheduler({ _class_name: 'DDPMScheduler' }, 10);
    const noise = given('noise', 'f32');
    const timestepsWith = (jumps: Jumps) =>
      repainting(plain, inpaintingIn('f32'), noise, jumps).timesteps.map((t) => t / 100);
    expect(timestepsWith({ jumpNSample: 1 })).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(timestepsWith({})).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(timestepsWith({ jumpLength: 8, jumpNSample: 2 })).toEqual([
      9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0,
    ]);
  });
});

describe('refused is', () => {
  const noise = given('noise', 'f32');
  const good = inpaintingIn('f32');
  const plain = createScheduler({ _class_name: 'DDIMScheduler' }, 4);
  const refuses = (make: () => unknown, message: string): void => {
    expect(make).toThrow(InputError);
    expect(make).toThrow(message);
  };

  it('a mask of another size or precision, or with other values', () => {
    const make = (mask: Tensor) => () => replacing(plain, { ...good, mask }, noise);
    refuses(
      make(given('picture', 'f32')),
      'the mask is [2, 2, 3, 4] in f32, but the run needs [2, 1, 3, 4] in f32, or',
    );
    refuses(make(given('mask', 'f64', [2, 1, 3, 4])), 'the mask is [2, 1, 3, 4] in f64');
    refuses(make({ ...good.mask, data: good.mask.data.map(() => 1.5) }), 'the mask has 1.5; expected 0 (kept) to 1');
    refuses(make({ ...good.mask, data: good.mask.data.map(() => NaN) }), 'the mask has NaN');
  });

  it('RePaint with a scheduler that looks back, and jumps that are none', () => {
    const euler = createScheduler({ _class_name: 'EulerDiscreteScheduler' }, 4);
    refuses(
      () => repainting(euler, good, noise),
      'RePaint goes with DDPMScheduler and DDIMScheduler, but the scheduler is EulerDiscreteScheduler',
    );
    for (const [jumps, message] of [
      [{ jumpLength: 0 }, 'jumpLength is 0; expected a whole number from 1'],
      [{ jumpNSample: 1.5 }, 'jumpNSample is 1.5; expected a whole number from 1'],
      [{ jumpNSample: 1_000_000 }, '4 steps, 1000000 times each, are more than 1000000 calls of the model'],
    ] as const)
      refuses(() => repainting(plain, good, noise, jumps), message);
  });
});
