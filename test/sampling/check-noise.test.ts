/** A run begins with noise that it can compute with, or not at all. */
import { describe, expect, it } from 'vitest';
import { none } from '../../src/guidance/none.ts';
import type { Denoiser } from '../../src/sampling/denoiser.ts';
import { sampleSteps, sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import type { NoiseSource } from '../../src/schedulers/scheduler.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor, zeros, type DType, type Tensor } from '../../src/tensor/tensor.ts';

const shape = [1, 1, 2, 2];
const numbers = [0.5, -1, 2, 0.25];
const noise = tensor('f32', shape, Float32Array.from(numbers));

/** Runs on that noise, with a model that predicts x_t; returns how often the model was asked, and the last sample. */
function run(first: Tensor, noiseSource: NoiseSource = (size) => manualSeed(0).randn(size)) {
  let asked = 0;
  const denoiser: Denoiser = {
    predict(sample, _timestep, passes) {
      asked += 1;
      return passes.map(() => ({ output: sample, taps: {} }));
    },
  };
  const scheduler = createScheduler({ _class_name: 'DDPMScheduler' }, 2);
  const steps = sampleSteps({ denoiser, guidance: none, scheduler, noise: first, noiseSource });
  return { step: () => steps.next(), asked: () => asked };
}

const with32 = (...values: readonly number[]): Tensor => tensor('f32', shape, Float32Array.from(values));

describe('the noise', () => {
  it.each<[string, Tensor, string]>([
    ['no batch', { ...noise, shape: [1, 2, 2] }, 'the noise has shape [1, 2, 2]; it must be [B,C,H,W], none of them 0'],
    ['a fifth dimension', { ...noise, shape: [1, 1, 1, 2, 2] }, 'the noise has shape [1, 1, 1, 2, 2]'],
    ['no sample', zeros('f32', [0, 1, 2, 2]), 'the noise has shape [0, 1, 2, 2]; it must be [B,C,H,W]'],
    ['half a row', { ...noise, shape: [1, 1, 1.5, 2] }, 'the noise has shape [1, 1, 1.5, 2]; it must be [B,C,H,W]'],
    ['more numbers than pixels', { ...noise, shape: [1, 1, 1, 2] }, 'the noise has shape [1, 1, 1, 2], but 4 numbers'],
    ['a NaN', with32(0.5, 1, 2, NaN), 'the noise has NaN at index 3; it must be finite numbers of f32'],
    ['an infinity', with32(-Infinity, 1, 2, 3), 'the noise has -Infinity at index 0; it must be finite numbers of f32'],
    [
      'doubles that are called f32',
      { dtype: 'f32', shape, data: Float64Array.from(numbers) },
      'the noise is called f32, but its numbers are a Float64Array; cast it',
    ],
    [
      'floats that are called f64',
      { dtype: 'f64', shape, data: Float32Array.from(numbers) },
      'the noise is called f64, but its numbers are a Float32Array; cast it',
    ],
    [
      'floats that are called f16',
      { dtype: 'f16', shape, data: Float32Array.of(0.5, 1 + 2 ** -11, 2, 3) },
      'the noise has 1.00048828125 at index 1; it must be finite numbers of f16',
    ],
    [
      'floats that are called bf16',
      { dtype: 'bf16', shape, data: Float32Array.of(0.5, 1, 1 + 2 ** -8, 3) },
      'the noise has 1.00390625 at index 2; it must be finite numbers of bf16',
    ],
  ])('with %s is refused before the model is asked', (_what, wrong, message) => {
    const { step, asked } = run(wrong);
    let error: unknown;
    try {
      step();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toContain(message);
    expect(asked()).toBe(0);
  });

  it.each<DType>(['f64', 'f32', 'f16', 'bf16'])('of %s is taken', (dtype) => {
    const first = cast(noise, dtype);
    const { step } = run(first, () => first);
    expect(step().done).toBe(false);
    expect(step().done).toBe(false);
    expect(step().done).toBe(true);
  });
});

describe('the noise that a step draws', () => {
  it('must be of the precision and the shape of the run', () => {
    const double = run(noise, (size) => manualSeed(0).randn(size, 'f64'));
    expect(double.step).toThrow(InputError);
    expect(run(noise, (size) => manualSeed(0).randn(size, 'f64')).step).toThrow(
      'noiseSource gave [1, 1, 2, 2] in f64, but the run needs [1, 1, 2, 2] in f32',
    );
    expect(run(noise, () => zeros('f32', [4])).step).toThrow('noiseSource gave [4] in f32, but the run needs');
  });
});

it('a run to the end refuses what its steps refuse', () => {
  const scheduler = createScheduler({ _class_name: 'DDIMScheduler' }, 1);
  const denoiser: Denoiser = { predict: () => [] };
  const wrong = { denoiser, guidance: none, scheduler, noise: with32(NaN, 0, 0, 0), noiseSource: () => noise };
  expect(() => sampleToEnd(wrong)).toThrow('the noise has NaN at index 0');
  expect(() => sampleToEnd({ ...wrong, noise })).toThrow('the denoiser gave no prediction');
});
