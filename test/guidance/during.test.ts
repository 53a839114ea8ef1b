/** The edges of intervals, and what is guided outside of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cfg } from '../../src/guidance/cfg.ts';
import { during, type Interval } from '../../src/guidance/during.ts';
import type { Guidance, GuidanceStep } from '../../src/guidance/guidance.ts';
import { apg } from '../../src/guidance/apg.ts';
import { createGuidance } from '../../src/guidance/registry/index.ts';
import { InputError } from '../../src/tensor/errors.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { context, randomScene, stepOf } from './scene.ts';

const scene = randomScene(1);

/** The steps of a run of `count` in which the guidance asks for more than ε(c). */
function guidedSteps(guidance: Guidance, count: number): readonly number[] {
  const steps = Array.from({ length: count }, (_, index) => stepOf(scene, { index, count }));
  for (const step of steps) guidance.guide(step);
  return steps.filter(({ asked }) => asked.flat().length > 1).map(({ index }) => index);
}

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** What an interval covers; that with nothing in it is refused. */
function stepsOrNone(covered: () => readonly number[]): readonly number[] {
  try {
    return covered();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return [];
  }
}

describe('an interval', () => {
  it('of steps has its first and not its last', () => {
    expect(guidedSteps(during(cfg(3), { unit: 'step', from: 2, to: 5 }), 10)).toEqual([2, 3, 4]);
    expect(guidedSteps(during(cfg(3), { unit: 'step', to: 2 }), 10)).toEqual([0, 1]);
    expect(guidedSteps(during(cfg(3), { unit: 'step', from: 8 }), 10)).toEqual([8, 9]);
    expect(guidedSteps(during(cfg(3), { unit: 'step' }), 4)).toEqual([0, 1, 2, 3]);
  });

  it('of shares is that of diffusers, but with step 0: 50 steps from .01 to .2 are 0 to 9', () => {
    expect(guidedSteps(during(cfg(3), { unit: 'fraction', from: 0.01, to: 0.2 }), 50)).toEqual(range(0, 10));
    expect(guidedSteps(createGuidance('pag', { guidanceStart: 0.01, guidanceStop: 0.2 }, context), 50)).toEqual(
      range(0, 10),
    );
  });

  it('of shares: two that meet cover every step once, and one with no step in it is refused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 1, noNaN: true }), (count, middle) => {
        const [before, after] = [
          { from: 0, to: middle },
          { from: middle, to: 1 },
        ].map((bounds) => stepsOrNone(() => guidedSteps(during(cfg(3), { unit: 'fraction', ...bounds }), count)));
        expect([...before, ...after]).toEqual(range(0, count));
      }),
    );
  });

  it('of noise levels has its upper bound and not its lower', () => {
    const acts = (sigma: number): boolean => {
      const step = stepOf(scene, { signal: 0.5, noise: 0.5 * sigma });
      during(cfg(3), { unit: 'sigma', from: 1, to: 4 }).guide(step);
      return step.asked.flat().length > 1;
    };
    expect([0.5, 1, 1.01, 4, 4.01].map(acts)).toEqual([false, false, true, true, false]);
  });

  it('has the plain prediction outside, or what else is wanted', () => {
    const outside = stepOf(scene, { index: 7 });
    expect(during(cfg(3), { unit: 'step', to: 7 }).guide(outside)).toBe(scene.given);
    expect(during(cfg(3), { unit: 'step', to: 7 }, cfg(0)).guide(outside)).toBe(scene.nothing);
    expect(during(cfg(3), { unit: 'step', to: 8 }).guide(outside)).toEqual(cfg(3).guide(outside));
  });

  it('lies around any guidance, rescaled ones and those with a memory too', () => {
    const rescaledInside = createGuidance('cfg', { guidanceRescale: 0.5, guidanceStop: 0.5 }, context);
    expect(rescaledInside.guide(stepOf(scene, { index: 5 }))).toBe(scene.given);
    expect(rescaledInside.guide(stepOf(scene, { index: 4 }))).toEqual(
      createGuidance('cfg', { guidanceRescale: 0.5 }, context).guide(stepOf(scene)),
    );

    // APG adds the update of the last step in which it acted.
    const memory = new Map<object, Tensor>();
    const at = (index: number, details: Partial<GuidanceStep> = {}) =>
      stepOf(randomScene(index), { index, ...details });
    const sparse = during(apg({ guidanceScale: 3, momentum: 0.5 }), { unit: 'step', from: 1, to: 3 });
    const [, first, second] = [0, 1, 2].map((index) => sparse.guide(at(index, { memory })));
    const dense = apg({ guidanceScale: 3, momentum: 0.5 });
    const fresh = new Map<object, Tensor>();
    expect([first, second]).toEqual([1, 2].map((index) => dense.guide(at(index, { memory: fresh }))));
  });

  it.each<[Interval, string]>([
    [
      { unit: 'step', from: 3, to: 2 },
      'the interval of the guidance is from 3 to 2 (step); it must not end before it begins',
    ],
    [{ unit: 'sigma', from: NaN }, 'from is NaN; it must be a number'],
    [{ unit: 'fraction', to: NaN }, 'to is NaN; it must be a number'],
    [{ unit: 'fraction', from: -0.1 }, 'fractions of the steps are from 0 to 1'],
    [{ unit: 'fraction', to: 1.5 }, 'fractions of the steps are from 0 to 1'],
    [{ unit: 'step', from: -3 }, 'from -3 to Infinity (step); steps are whole numbers, the first is 0'],
    [{ unit: 'step', to: 2.5 }, 'from -Infinity to 2.5 (step); steps are whole numbers, the first is 0'],
    [{ unit: 'sigma', from: -1, to: 2 }, 'from -1 to 2 (sigma); a noise level is never negative'],
    [{ unit: 'step', from: 4, to: 4 }, 'the interval of the guidance is from 4 to 4 (step); nothing lies in it'],
    [{ unit: 'step', to: 0 }, 'nothing lies in it'],
    [{ unit: 'step', from: Infinity }, 'nothing lies in it'],
    [{ unit: 'fraction', from: 0.5, to: 0.5 }, 'nothing lies in it'],
    [{ unit: 'fraction', from: 1 }, 'nothing lies in it'],
    [{ unit: 'fraction', to: 0 }, 'nothing lies in it'],
    [{ unit: 'sigma', from: 3, to: 3 }, 'nothing lies in it'],
    [{ unit: 'sigma', to: 0 }, 'nothing lies in it'],
    [{ unit: 'sigma', from: Infinity }, 'nothing lies in it'],
    [
      { unit: 'steps' } as unknown as Interval,
      'the interval of the guidance is one of "steps"; it must be "step", "fraction" or "sigma"',
    ],
  ])('like %o is refused', (interval, message) => {
    expect(() => during(cfg(3), interval)).toThrow(InputError);
    expect(() => during(cfg(3), interval)).toThrow(message);
  });

  it('with none of the steps of the run in it is refused in the run, so that no guidance is off unawares', () => {
    const first = (interval: Interval, count: number) => () =>
      during(cfg(3), interval).guide(stepOf(scene, { index: 0, count }));
    expect(first({ unit: 'fraction', to: 0.1 }, 5)).toThrow(InputError);
    expect(first({ unit: 'fraction', to: 0.1 }, 5)).toThrow(
      'the interval of the guidance is from -Infinity to 0.1 (fraction), where the run of 5 has no step; ' +
        'widen it, or take more steps',
    );
    expect(first({ unit: 'step', from: 5 }, 5)).toThrow('where the run of 5 has no step');
    expect(first({ unit: 'fraction', to: 0.1 }, 10)().data).toEqual(cfg(3).guide(stepOf(scene)).data);
    expect(first({ unit: 'step', from: 4 }, 5)()).toBe(scene.given);
  });

  it('in a registry: a guidance that stops at 0 never acts, and asks for no more than ε(c)', () => {
    const off = createGuidance('cfg', { guidanceStop: 0, guidanceRescale: 0.5 }, context);
    expect([off.name, guidedSteps(off, 10)]).toEqual(['cfg, rescaled', []]);
    expect(() =>
      createGuidance('cfg', { guidanceStop: 0, guidanceSigmaAbove: 3, guidanceSigmaUpTo: 2 }, context),
    ).toThrow('from 3 to 2 (sigma); it must not end before it begins');
  });
});
