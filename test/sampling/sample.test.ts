/** What the loop tells a guidance of each step, and what it makes of its answer. */
import { describe, expect, it } from 'vitest';
import type { Guidance, GuidanceStep } from '../../src/guidance/guidance.ts';
import type { Denoiser } from '../../src/sampling/denoiser.ts';
import { sampleSteps, sampleToEnd, type SamplingStep } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { scale } from '../../src/tensor/arithmetic.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { zeros, type Tensor } from '../../src/tensor/tensor.ts';

const shape = [2, 1, 3, 3];
const noise = manualSeed(1).randn(shape);
const prediction = manualSeed(2).randn(shape);
const denoiser: Denoiser = { predict: (_sample, _t, passes) => passes.map(() => ({ output: prediction, taps: {} })) };

/** A run of four steps with a guidance that does nothing but look, and answers with a prediction of its own. */
function watched(name: string, look: (step: GuidanceStep) => void = () => {}) {
  const seen: GuidanceStep[] = [];
  const guidance: Guidance = {
    name: 'watching',
    guide(step) {
      seen.push(step);
      look(step);
      return scale(prediction, 0.5);
    },
  };
  const scheduler = createScheduler({ _class_name: name }, 4);
  const run = { denoiser, guidance, scheduler, noise, noiseSource: manualSeed(3).randn };
  return { seen, scheduler, run, guidance };
}

describe.each(['DDIMScheduler', 'EulerDiscreteScheduler', 'DDPMScheduler'])('each step of %s', (name) => {
  it('is told its number, its time, and the picture that the last one has made', () => {
    const { seen, scheduler, run } = watched(name);
    const steps = [...sampleSteps(run)];
    expect(seen.map(({ index, count, timestep }) => [index, count, timestep])).toEqual(
      scheduler.timesteps.map((timestep, index) => [index, 4, timestep]),
    );
    const pictures = [scale(noise, scheduler.initNoiseSigma), ...steps.map(({ sample }) => sample)];
    expect(seen.map(({ sample }) => sample)).toEqual(pictures.slice(0, 4));
    expect(steps.map(({ guided }) => guided)).toEqual(steps.map(() => scale(prediction, 0.5)));
  });

  it('is told its own noise level: α x₀ + σ ε is what the scheduler makes of x₀ and ε', () => {
    const { seen, scheduler, run } = watched(name);
    sampleToEnd(run);
    const [original, added] = [manualSeed(4).randn(shape, 'f64'), manualSeed(5).randn(shape, 'f64')];
    seen.forEach(({ signal, noise: sigma }, index) => {
      const noisy = scheduler.addNoise(original, added, index);
      for (const [i, value] of noisy.data.entries()) {
        expect(value).toBeCloseTo(signal * original.data[i] + sigma * added.data[i], 12);
      }
    });
    expect(new Set(seen.map(({ signal, noise: sigma }) => sigma / signal)).size).toBe(4);
  });

  it('is told x̂₀ of a prediction at its own noise level, of its own picture', () => {
    const originals: Tensor[] = [];
    const { seen, scheduler, run } = watched(name, (step) => originals.push(step.toOriginal(prediction)));
    sampleToEnd(run);
    expect(originals).toEqual(seen.map(({ sample }, index) => scheduler.predictOriginal(sample, prediction, index)));
    expect(new Set(originals.map(({ data }) => data.join())).size).toBe(4);
  });
});

describe('what a guidance remembers', () => {
  it('is there at the next step of the run, and gone in the next run', () => {
    const key = {};
    const found: (Tensor | undefined)[] = [];
    const { run } = watched('DDIMScheduler', ({ memory, sample }) => {
      found.push(memory.get(key));
      memory.set(key, sample);
    });
    const steps = [...sampleSteps(run)];
    const pictures = [noise, ...steps.map(({ sample }) => sample)];
    expect(found).toEqual([undefined, ...pictures.slice(0, 3)]);
    sampleToEnd(run);
    expect(found[4]).toBeUndefined();
  });
});

describe('a run', () => {
  it('ends with the sample of its last step, and can be left before', () => {
    const { run, seen } = watched('DDIMScheduler');
    const steps = [...sampleSteps(run)];
    expect(sampleToEnd(run)).toEqual(steps.at(-1)!.sample);
    seen.length = 0;
    const begun = sampleSteps(run);
    expect((begun.next().value as SamplingStep).index).toBe(0);
    begun.return(zeros('f32', shape));
    expect(seen).toHaveLength(1);
  });
});
