/** What the names and parameters of a command line become: the passes of the guidance, and when it acts. */
import { describe, expect, it } from 'vitest';
import type { Pass } from '../../src/guidance/guidance.ts';
import type { ParameterValues } from '../../src/guidance/parameters.ts';
import { createGuidance, guidanceNames, guidances, parametersOf } from '../../src/guidance/registry/index.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { context, mid, randomScene, stepOf, up } from './scene.ts';

const scene = randomScene(1);

/** The passes that a guidance asks for at a step. */
function askedBy(name: string, parameters: ParameterValues, details: Parameters<typeof stepOf>[1] = {}) {
  const step = stepOf(scene, details);
  createGuidance(name, parameters, context).guide(step);
  return step.asked.flat();
}

/** The layers that a pass perturbs, and with what. */
const mixersOf = ({ perturbation }: Pass): Readonly<Record<string, string>> =>
  Object.fromEntries([...perturbation].map(([layer, mixer]) => [layer, mixer.key]));

describe('what takes the place of the attention map', () => {
  const both = { pagLayers: ['up', 'mid'], perturbationSeed: 7 };
  it.each<[ParameterValues, string, string]>([
    [{}, 'identity', 'identity'],
    [{ perturbation: 'off-diagonal-mask' }, 'off-diagonal-mask', 'off-diagonal-mask'],
    [{ perturbation: 'random-mask', maskProbability: 0.3 }, 'random-mask(0.3,7)', 'random-mask(0.3,8)'],
    [{ perturbation: 'noise', attentionNoise: 2 }, 'additive-noise(2,7)', 'additive-noise(2,8)'],
    [{ perturbation: 'blur', blurSigma: 1.5 }, 'query-blur(1.5)', 'query-blur(1.5)'],
    [{ perturbation: 'uniform' }, 'uniform', 'uniform'],
    [{ perturbation: 'skip' }, 'skip', 'skip'],
  ])(
    'with %o: each layer in the order of the forward pass, and each with a seed of its own',
    (parameters, one, two) => {
      for (const name of ['pag', 'cfg+pag']) {
        expect(mixersOf(askedBy(name, { ...both, ...parameters }).at(-1)!)).toEqual({ [mid]: one, [up]: two });
      }
    },
  );

  it('is named by the other guidances of the kind', () => {
    expect(mixersOf(askedBy('soft-pag', { headLambda: [0.25, 0.5] })[1])).toEqual({
      [mid]: 'soft-identity([0.25,0.5])',
    });
    expect(mixersOf(askedBy('seg', { segLayers: ['up'] })[1])).toEqual({ [up]: 'query-blur(Infinity)' });
    expect(mixersOf(askedBy('slg', { slgLayers: ['mid', 'up'] })[1])).toEqual({ [mid]: 'skip', [up]: 'skip' });
    expect(mixersOf(askedBy('pag+apg', { pagLayers: ['up'] })[1])).toEqual({ [up]: 'identity' });
    const [, weak] = stepsOfAutoGuidance();
    expect(mixersOf(weak)).toEqual({ [up]: 'skip' });
  });

  /** Without a second model AutoGuidance leaves layers out of the first. */
  function stepsOfAutoGuidance(): readonly Pass[] {
    const step = stepOf(scene);
    createGuidance('auto-guidance', { weakLayers: ['up'] }, { ...context, hasWeakModel: false }).guide(step);
    return step.asked.flat();
  }
});

describe('SAG', () => {
  it('looks at the first layer that is selected', () => {
    expect(askedBy('sag', { sagLayer: ['up', 'mid'] })[0].taps).toEqual([`${mid}.map`]);
    expect(askedBy('sag', { sagLayer: ['up'] })[0].taps).toEqual([`${up}.map`]);
  });
});

describe('an interval', () => {
  const acts = (parameters: ParameterValues, details: Parameters<typeof stepOf>[1]): boolean =>
    askedBy('pag', parameters, details).length === 2;

  it('of noise levels has both its bounds', () => {
    const levels = [0.5, 1, 1.5, 4, 4.5].map((noise) => ({ signal: 1, noise }));
    const within = (parameters: ParameterValues) => levels.map((level) => acts(parameters, level));
    expect(within({ guidanceSigmaAbove: 1 })).toEqual([false, false, true, true, true]);
    expect(within({ guidanceSigmaUpTo: 4 })).toEqual([true, true, true, true, false]);
    expect(within({ guidanceSigmaAbove: 1, guidanceSigmaUpTo: 4 })).toEqual([false, false, true, true, false]);
  });

  it('of steps and one of noise levels are both kept to', () => {
    const both = { guidanceStart: 0.2, guidanceStop: 0.6, guidanceSigmaAbove: 1 };
    const at = (index: number, noise: number): boolean => acts(both, { index, count: 10, signal: 1, noise });
    expect([at(1, 2), at(2, 2), at(2, 1), at(5, 2), at(6, 2)]).toEqual([false, true, false, true, false]);
  });
});

describe('a registry', () => {
  it('says of each guidance what it is, where it comes from, and what it takes', () => {
    for (const name of guidanceNames) {
      const { summary, formula, source } = guidances[name];
      for (const text of [summary, formula, source]) expect(text).toMatch(/\S/);
      const names = parametersOf(name).map((parameter) => parameter.name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('needs a label for "no class" only where ε(∅) is asked for', () => {
    const unconditional = { ...context, hasNullCondition: false };
    for (const [name, parameters] of [
      ['cfg', {}],
      ['cfg+pag', { guidanceScale: [1, 2] }],
      ['soft-pag', { guidanceScale: 0 }],
      ['fdg', { guidanceScales: [1, 3] }],
    ] as const) {
      const create = () => createGuidance(name, parameters, unconditional);
      expect(create).toThrow(InputError);
      expect(create).toThrow('classifier-free guidance needs a class-conditional model');
    }
    for (const name of ['pag', 'soft-pag', 'sag', 'seg', 'slg', 'pag+apg', 'auto-guidance']) {
      expect(() => createGuidance(name, {}, unconditional)).not.toThrow();
    }
    expect(() => createGuidance('cfg', { guidanceScale: [1, 1] }, unconditional)).not.toThrow();
  });

  it('refuses a name or a parameter that it does not have', () => {
    const wrong = (name: string, parameters: ParameterValues) => () => createGuidance(name, parameters, context);
    expect(wrong('pga', {})).toThrow(InputError);
    expect(wrong('pga', {})).toThrow('there is no guidance "pga"; there are none, pag, cfg+pag');
    expect(wrong('toString', {})).toThrow('there is no guidance "toString"');
    expect(wrong('pag', { guidanceScale: 2 })).toThrow(
      'the guidance "pag" has no guidanceScale; it has pagScale, pagAdaptiveScale',
    );
    expect(wrong('pag', { pagLayers: [] })).toThrow('pagLayers is ""');
  });
});
