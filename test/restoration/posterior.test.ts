/** Posterior sampling: laws, and what it refuses. */
import { describe, expect, it } from 'vitest';
import { none } from '../../src/guidance/none.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { sliceBatch } from '../../src/kernels/plain/rearrange.ts';
import { measure } from '../../src/restoration/measurement.ts';
import { gaussianBlur, superResolution } from '../../src/restoration/measurements.ts';
import { restoring, type InverseProblem } from '../../src/restoration/posterior.ts';
import { modelSlope } from '../../src/models/slope.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { addScaled, norm, subtract } from '../../src/tensor/arithmetic.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { noise, randomUNet, smallConfig } from '../models/unet2d/models.ts';

const unet = randomUNet(smallConfig);
const backend = referenceBackend();
const labels = [1];
const slope = modelSlope(unet, backend, { classLabels: labels });
const ddim = createScheduler({ _class_name: 'DDIMScheduler', clip_sample: false }, 6);
const first = noise([2, 1, 8, 8]);
const measured = measure(superResolution(4), manualSeed(3).randn([2, 1, 8, 8]));
const problem: InverseProblem = { measurement: superResolution(4), measured, weight: 1 };
const any = (value: unknown) => value as never;

const draw = (scheduler: typeof ddim, start = first): Tensor =>
  sampleToEnd({
    denoiser: unetDenoiser(unet, backend, { labels }),
    guidance: none,
    scheduler,
    noise: start,
    noiseSource: manualSeed(1).randn,
  });
const half = (x: Tensor, i: number): Tensor => sliceBatch(x, i, i + 1);

describe('posterior sampling', () => {
  it('with a weight of 0 is the scheduler alone, bit for bit', () => {
    expect(draw(restoring(ddim, { ...problem, weight: 0 }, slope, first))).toEqual(draw(ddim));
  });

  it('moves a sample against the gradient of its misfit: of differences, along the move its square', () => {
    const double = randomUNet(smallConfig, 1, 'f64');
    const slopeAt = modelSlope(double, backend, { classLabels: labels });
    const [x, y] = [cast(first, 'f64'), cast(measured, 'f64')];
    const index = 3;
    const step = (scheduler: typeof ddim): Tensor =>
      scheduler.step(scheduler.start, { index, modelOutput: x, sample: x, noise: manualSeed(1).randn }).sample;
    const move = subtract(step(restoring(ddim, { ...problem, measured: y }, slopeAt, x)), step(ddim));
    const misfitAt = (h: number): readonly number[] => {
      const at = addScaled(x, h, move);
      const original = ddim.predictOriginal(at, slopeAt(at, ddim.timesteps[index]).prediction, index);
      return norm(subtract(y, measure(problem.measurement, original)));
    };
    const h = 1e-6;
    const [up, down, squares] = [misfitAt(h), misfitAt(-h), norm(move).map((length) => length ** 2)];
    for (const i of [0, 1]) {
      expect(squares[i]).toBeGreaterThan(0.01);
      expect((up[i] - down[i]) / (2 * h) / squares[i]).toBeCloseTo(-1, 5);
    }
  });

  it('of two pictures is each by itself', () => {
    const both = draw(restoring(ddim, problem, slope, first));
    for (const i of [0, 1]) {
      const [start, y] = [half(first, i), half(measured, i)];
      const alone = draw(restoring(ddim, { ...problem, measured: y }, slope, start), start);
      const size = norm(alone)[0];
      expect(norm(subtract(alone, half(both, i)))[0]).toBeLessThan(1e-5 * size);
    }
  });

  it('stays where the measurement is met', () => {
    const met = { ...problem, measurement: superResolution(1), measured: first };
    const still = { ...ddim, timesteps: [0], predictOriginal: (x: Tensor) => x };
    const moved = restoring(still, met, slope, first).step(still.start, {
      index: 0,
      modelOutput: first,
      sample: first,
      noise: manualSeed(1).randn,
    });
    expect(moved.sample).toEqual(
      still.step(still.start, { index: 0, modelOutput: first, sample: first, noise: manualSeed(1).randn }).sample,
    );
  });

  it('reads the slope of a prediction: of differences, for any v', () => {
    const double = randomUNet(smallConfig, 1, 'f64');
    const [x, v, along] = [5, 6, 7].map((seed) => manualSeed(seed).randn([2, 1, 8, 8], 'f64'));
    const slopeAt = modelSlope(double, backend, { classLabels: labels });
    const h = 1e-5;
    const moved = (sign: number): Tensor =>
      slopeAt({ ...x, data: x.data.map((value, i) => value + sign * h * along.data[i]) }, 400).prediction;
    const [up, down, back] = [moved(1), moved(-1), slopeAt(x, 400).transposed(v)];
    const sum = (f: (i: number) => number): number => Array.from(v.data, (_, i) => f(i)).reduce((a, b) => a + b);
    const forward = sum((i) => (v.data[i] * (up.data[i] - down.data[i])) / (2 * h));
    expect(sum((i) => back.data[i] * along.data[i])).toBeCloseTo(forward, 6);
  });

  it.each([
    [
      'a scheduler driven by σ',
      () => restoring(createScheduler({ _class_name: 'EulerDiscreteScheduler' }, 3), problem, slope, first),
      'goes with DDPMScheduler and DDIMScheduler',
    ],
    ['no scheduler', () => restoring(any({}), problem, slope, first), 'the scheduler is {}'],
    ['a misspelt key', () => restoring(ddim, any({ ...problem, wieght: 1 }), slope, first), 'no option wieght'],
    ['a weight below 0', () => restoring(ddim, { ...problem, weight: -1 }, slope, first), 'weight is -1'],
    [
      'no measurement',
      () => restoring(ddim, { ...problem, measurement: any('sr4') }, slope, first),
      'measurement is "sr4"',
    ],
    [
      'another measurement',
      () => restoring(ddim, { ...problem, measurement: gaussianBlur(1) }, slope, first),
      'what was measured is [2, 1, 2, 2] in f32; of pictures of [2, 1, 8, 8], gaussian-blur measures [2, 1, 8, 8]',
    ],
    [
      'another precision',
      () => restoring(ddim, { ...problem, measured: cast(measured, 'f64') }, slope, first),
      'in f64',
    ],
    ['no slope', () => restoring(ddim, problem, any(unet), first), 'it must be a function, as modelSlope'],
  ])('refuses %s', (_what, wrong, message) => {
    expect(wrong).toThrow(InputError);
    expect(wrong).toThrow(message);
  });
});
