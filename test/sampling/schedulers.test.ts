/**
 * The sampling loop with every scheduler: those that call the model more than once a step, and models that predict a
 * variance.
 */
import { describe, expect, it } from 'vitest';
import { none } from '../../src/guidance/none.ts';
import { concatChannels } from '../../src/kernels/plain/rearrange.ts';
import type { Denoiser } from '../../src/sampling/denoiser.ts';
import { sampleSteps, sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler, schedulerNames } from '../../src/schedulers/registry.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { mapElements } from '../../src/tensor/arithmetic.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

const shape = [2, 2, 3, 3];
const predicted = (x: Tensor, t: number): Tensor => mapElements(x, (value) => value / (1 + value * value) + t / 2000);

/** Records the timesteps that it is asked for. */
function denoiserOf(output: (x: Tensor, t: number) => Tensor, asked: number[] = []): Denoiser {
  return {
    predict(sample, timestep, passes) {
      asked.push(timestep);
      return passes.map(() => ({ output: output(sample, timestep), taps: {} }));
    },
  };
}

function runOf(name: string, config: Record<string, unknown>, denoiser: Denoiser) {
  const generator = manualSeed(3);
  const scheduler = createScheduler({ _class_name: name, ...config }, 6);
  return {
    denoiser,
    guidance: none,
    scheduler,
    noise: generator.randn(shape),
    noiseSource: (size: readonly number[]) => generator.randn(size),
  };
}

describe.each(schedulerNames)('%s', (name) => {
  it('asks the model once at every timestep, and yields a step for each', () => {
    const asked: number[] = [];
    const run = runOf(name, {}, denoiserOf(predicted, asked));
    const steps = [...sampleSteps(run)];
    expect(asked).toEqual(run.scheduler.timesteps);
    expect(steps.map(({ index, count }) => [index, count])).toEqual(asked.map((_, index) => [index, asked.length]));
    expect(steps.at(-1)!.sample.data.every(Number.isFinite)).toBe(true);
  });

  it('draws with a model of a variance what it draws with one of the picture alone', () => {
    const withVariance = denoiserOf((x, t) => concatChannels(predicted(x, t), mapElements(x, Math.abs)));
    expect(sampleToEnd(runOf(name, {}, withVariance))).toEqual(sampleToEnd(runOf(name, {}, denoiserOf(predicted))));
  });
});

it('DDPM with a learned variance draws other pictures than with a fixed one, and needs a model that has it', () => {
  const learned = { variance_type: 'learned_range' };
  const withVariance = denoiserOf((x, t) =>
    concatChannels(
      predicted(x, t),
      mapElements(x, () => 0.5),
    ),
  );
  expect(sampleToEnd(runOf('DDPMScheduler', learned, withVariance))).not.toEqual(
    sampleToEnd(runOf('DDPMScheduler', {}, withVariance)),
  );
  expect(() => sampleToEnd(runOf('DDPMScheduler', learned, denoiserOf(predicted)))).toThrow(
    'needs a model that predicts a variance',
  );
});
