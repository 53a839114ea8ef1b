/** Whole runs against diffusers (scripts/goldens/schedulers.py), and the keys of every class. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler, schedulerDefaults, schedulerNames } from '../../src/schedulers/registry.ts';
import { scale } from '../../src/tensor/arithmetic.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { readGoldens } from '../tensor/goldens.ts';
import { expectRun, type Case } from './golden-runs.ts';

describe.each(schedulerNames)('%s', (className) => {
  const { metadata, tensors } = readGoldens(`schedulers/${className}.safetensors`);
  const cases = JSON.parse(metadata['cases']) as Case[];

  it('has at least four runs, of even and of odd length', () => {
    expect(cases.length).toBeGreaterThanOrEqual(4);
    expect(new Set(cases.map(({ steps }) => Number(steps) % 2))).toEqual(new Set([0, 1]));
  });

  it.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    expectRun(className, one, tensors);
  });
});

it('every class has the keys of diffusers, with its defaults', () => {
  const url = new URL('../../fixtures/goldens/schedulers/defaults.json', import.meta.url);
  const theirs = JSON.parse(readFileSync(url, 'utf8')) as Record<string, Record<string, unknown>>;
  expect(Object.keys(theirs).sort()).toEqual([...schedulerNames].sort());
  for (const name of schedulerNames) {
    const ours = Object.fromEntries(
      Object.entries(schedulerDefaults(name)).map(([key, value]) => [key, value === -Infinity ? '-inf' : value]),
    );
    expect(ours, name).toEqual(theirs[name]);
  }
});

it.each(['f16', 'bf16'] as const)('thresholding in %s is that of diffusers, bit for bit', (dtype) => {
  const { metadata, tensors } = readGoldens('schedulers/thresholds.safetensors');
  const shape = [2, 2, 4, 4];
  const sample = tensor('f32', shape, readGoldens('schedulers/given.safetensors').tensors['sample']);
  const modelOutput = cast(scale(sample, 1.7), dtype);
  const config = { ...(JSON.parse(metadata['config']) as Config), prediction_type: 'sample' };
  for (const _class_name of ['DDIMScheduler', 'UniPCMultistepScheduler']) {
    const scheduler = createScheduler({ _class_name, ...config }, 4);
    const noise = () => modelOutput;
    const { denoised } = scheduler.step(scheduler.start, { index: 0, modelOutput, sample: modelOutput, noise });
    expect(denoised, _class_name).toEqual(cast(tensor('f32', shape, tensors[dtype]), dtype));
  }
});
