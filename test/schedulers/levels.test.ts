/** The noise levels that a scheduler states, against what it does with them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schedulerNames } from '../../src/schedulers/registry.ts';
import type { Scheduler } from '../../src/schedulers/scheduler.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { create, deterministic, everyClass, titled } from './variants.ts';

/** α and σ of x_t = α x₀ + σ ε at a call, from what addNoise makes of a picture of 1 and of noise of 1. */
function levelOf(scheduler: Scheduler, index: number): { signal: number; noise: number } {
  const [zero, one] = [0, 1].map((value) => tensor('f64', [1, 1, 1, 1], Float64Array.of(value)));
  return { signal: scheduler.addNoise(one, zero, index).data[0], noise: scheduler.addNoise(zero, one, index).data[0] };
}

const value = fc.double({ min: -2, max: 2, noNaN: true }).map((x) => x + 0); // no −0, which toEqual tells from 0
const stepCounts = fc.integer({ min: 4, max: 20 });

describe.each(titled([...everyClass, ...deterministic]))('%s', (_, variant) => {
  it('levelAt is what addNoise does, bit for bit, at every call', () => {
    fc.assert(
      fc.property(stepCounts, value, value, (steps, original, noise) => {
        const scheduler = create(variant, steps);
        const one = (x: number) => tensor('f64', [1], Float64Array.of(x));
        const levels = scheduler.timesteps.map((__, index) => scheduler.levelAt(index));
        expect(levels).toEqual(levels.map((__, index) => levelOf(scheduler, index)));
        expect(levels.map((__, index) => scheduler.addNoise(one(original), one(noise), index).data[0])).toEqual(
          levels.map((level) => level.signal * original + level.noise * noise),
        );
      }),
      { numRuns: 3 },
    );
  });

  it('addNoise in float32 rounds the factors, the products and the sum', () => {
    const { fround } = Math;
    fc.assert(
      fc.property(stepCounts, value.map(fround), value.map(fround), (steps, original, noise) => {
        const scheduler = create(variant, steps);
        const one = (x: number) => tensor('f32', [1], Float32Array.of(x));
        const levels = scheduler.timesteps.map((__, index) => scheduler.levelAt(index));
        expect(levels.map((__, index) => scheduler.addNoise(one(original), one(noise), index).data[0])).toEqual(
          levels.map((level) => fround(fround(fround(level.signal) * original) + fround(fround(level.noise) * noise))),
        );
      }),
      { numRuns: 3 },
    );
  });

  it('the noise falls from call to call; that of an inverse rises', () => {
    for (const steps of [4, 17]) {
      const scheduler = create(variant, steps);
      const ratios = scheduler.timesteps.map((__, index) => {
        const { signal, noise } = scheduler.levelAt(index);
        return noise / signal;
      });
      const rising = variant.name.includes('Inverse') ? ratios : ratios.reverse();
      // With η = 1 the middle of a step of KDPM2 is where the next begins, but for roundings.
      const falls = rising.filter((ratio, i) => i > 0 && ratio < rising[i - 1] * (1 - 1e-14));
      expect(falls).toEqual([]);
    }
  });
});

/** α² + σ² = 1, α = 1, or α + σ = 1. */
const exploding = ['Euler', 'Heun', 'LMS', 'KDPM2', 'EDM', 'CM', 'ScoreSde', 'DPMSolverSDE', 'Cosine'];
describe.each(schedulerNames)('%s', (name) => {
  it('has the level of its family: √ᾱ and √(1 − ᾱ), or 1 and σ, or 1 − σ and σ', () => {
    const scheduler = create({ name, config: {} }, 10);
    scheduler.timesteps.forEach((_, index) => {
      const { signal, noise } = scheduler.levelAt(index);
      if (exploding.some((part) => name.startsWith(part))) expect(signal).toBe(1);
      else if (name.startsWith('Flow')) expect(signal + noise).toBe(1);
      else expect(Math.abs(signal ** 2 + noise ** 2 - 1), 'what is driven by σ joins `exploding`').toBeLessThan(1e-6);
    });
  });

  it('gives the model an input whose variance is that of the data where that is 1', () => {
    // x = α x₀ + σ ε has the variance α² + σ² then; those of EDM and of consistency models have ½, and their input is 1
    // for them; a flow's is not scaled, nor a score model's, which divides by σ itself.
    const scheduler = create({ name, config: {} }, 10);
    const deviation = name.startsWith('EDM') || name.startsWith('CM') ? 0.5 : 1;
    scheduler.timesteps.forEach((_, index) => {
      const { signal, noise } = scheduler.levelAt(index);
      const [factor] = scheduler.scaleModelInput(tensor('f64', [1], Float64Array.of(1)), index).data;
      if (/^(Flow|ScoreSde)/.test(name)) expect(factor).toBe(1);
      else expect(Math.abs(factor ** 2 * (signal ** 2 * deviation ** 2 + noise ** 2) - 1)).toBeLessThan(1e-6);
    });
  });
});
