/** Predictions as velocities, and what the guidances of flow models make of them, whatever the model predicts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cfg } from '../../src/guidance/cfg.ts';
import type { Guidance, GuidanceStep } from '../../src/guidance/guidance.ts';
import { momentumGuidance } from '../../src/guidance/momentum.ts';
import { smcCfg } from '../../src/guidance/smc-cfg.ts';
import { velocityOf, velocityScale } from '../../src/guidance/velocity.ts';
import { originalPerPrediction } from '../../src/schedulers/original-slope.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { combine, mapElements, scale, subtract } from '../../src/tensor/arithmetic.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { randomScene, stepOf, type Scene } from './scene.ts';

/** What x̂₀ is called in the words of a model: p, and the way from p to x̂₀. */
interface Words {
  readonly predictionOf: (x: Tensor, original: Tensor, signal: number, noise: number) => Tensor;
  readonly originalOf: (x: Tensor, p: Tensor, signal: number, noise: number) => Tensor;
  readonly slope: (signal: number, noise: number) => number;
}
const sum = (a: number, x: Tensor, b: number, y: Tensor): Tensor =>
  combine([
    [a, x],
    [b, y],
  ]);
const words: Readonly<Record<string, Words>> = {
  epsilon: {
    predictionOf: (x, original, signal, noise) => sum(1 / noise, x, -signal / noise, original),
    originalOf: (x, p, signal, noise) => sum(1 / signal, x, -noise / signal, p),
    slope: (signal, noise) => -noise / signal,
  },
  v: {
    predictionOf: (x, original, signal, noise) => sum(signal / noise, x, -1 / noise, original),
    originalOf: (x, p, signal, noise) => sum(signal, x, -noise, p),
    slope: (_signal, noise) => -noise,
  },
  sample: { predictionOf: (_x, original) => original, originalOf: (_x, p) => p, slope: () => 1 },
};

/** x̂₀ of three guided steps at falling noise, from the same predictions of x̂₀ said in the words of a model. */
function originals(guidance: Guidance, name: string, seed: number): readonly Tensor[] {
  const { predictionOf, originalOf, slope } = words[name];
  const memory = new Map<object, Tensor>();
  return [0.9, 0.6, 0.3].map((noise, i) => {
    const signal = Math.sqrt(1 - noise * noise);
    const x = manualSeed(seed).randn([2, 1, 8, 8], 'f64');
    const { given, nothing, other } = randomScene(seed + i, 2, 'f64');
    const say = (original: Tensor): Tensor => predictionOf(x, original, signal, noise);
    const scene: Scene = { given: say(given), nothing: say(nothing), other: say(other) };
    const toOriginal = (p: Tensor): Tensor => originalOf(x, p, signal, noise);
    const details = { sample: x, signal, noise, toOriginal, originalPerPrediction: slope(signal, noise), memory };
    return toOriginal(guidance.guide(stepOf(scene, details)));
  });
}

const largest = ({ data }: Tensor): number => [...data].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
const guidances: readonly (readonly [string, Guidance])[] = [
  ['momentum guidance', momentumGuidance({ momentumScale: 0.7, guidanceScale: 2 })],
  ['SMC-CFG', smcCfg({ guidanceScale: 3 })],
  ['SMC-CFG, of length 1', smcCfg({ guidanceScale: 3, switching: 'unit' })],
];

describe.each(guidances)('%s', (_name, guidance) => {
  it('leads to the same x̂₀, whether the model predicts ε, v or x₀', () => {
    fc.assert(
      fc.property(fc.nat(1000), (seed) => {
        const [epsilon, v, sample] = ['epsilon', 'v', 'sample'].map((name) => originals(guidance, name, seed));
        sample.forEach((original, i) => {
          expect(largest(subtract(epsilon[i], original))).toBeLessThan(1e-12 * largest(original));
          expect(largest(subtract(v[i], original))).toBeLessThan(1e-12 * largest(original));
        });
      }),
      { numRuns: 15 },
    );
  });

  it('is refused where a prediction says nothing of a velocity', () => {
    for (const details of [{ noise: 0 }, { originalPerPrediction: 0 }, { originalPerPrediction: -Infinity }]) {
      const guide = () => guidance.guide(stepOf(randomScene(1), details));
      expect(guide).toThrow(InputError);
      expect(guide).toThrow('the guidance acts on velocities, but at step 2');
    }
  });
});

describe('a velocity', () => {
  it('of a model that knows x₀ and ε is ε − x₀, at every call of a scheduler', () => {
    const [original, epsilon] = [1, 2].map((seed) => manualSeed(seed).randn([1, 1, 8, 8], 'f64'));
    const kinds = [
      { _class_name: 'DDIMScheduler' },
      { _class_name: 'DDIMScheduler', prediction_type: 'v_prediction' },
      { _class_name: 'DDIMScheduler', prediction_type: 'sample' },
      { _class_name: 'EulerDiscreteScheduler' },
      { _class_name: 'FlowMatchEulerDiscreteScheduler' },
    ];
    for (const config of kinds) {
      const scheduler = createScheduler(config, 7);
      scheduler.timesteps.forEach((_, index) => {
        const { signal, noise } = scheduler.levelAt(index);
        const sample = sum(signal, original, noise, epsilon);
        const slope = originalPerPrediction(scheduler, index);
        const zero = scheduler.predictOriginal(sample, scale(sample, 0), index);
        const prediction = scale(subtract(original, zero), 1 / slope);
        const toOriginal = (p: Tensor): Tensor => scheduler.predictOriginal(sample, p, index);
        const step: GuidanceStep = stepOf(randomScene(1), { sample, signal, noise, toOriginal });
        const velocity = velocityOf(step, prediction);
        const wanted = subtract(epsilon, original);
        expect(largest(subtract(velocity, wanted)) / largest(wanted)).toBeLessThan(1e-9);
      });
    }
  });

  it('of a flow model is its prediction: κ is 1', () => {
    const scheduler = createScheduler({ _class_name: 'FlowMatchEulerDiscreteScheduler' }, 5);
    scheduler.timesteps.forEach((_, index) => {
      const slope = originalPerPrediction(scheduler, index);
      const step = stepOf(randomScene(1), { ...scheduler.levelAt(index), originalPerPrediction: slope });
      expect(velocityScale(step)).toBeCloseTo(1, 6);
    });
  });
});

describe('momentum guidance', () => {
  it('does nothing at the first step, nor while the velocity stays what it is', () => {
    const guidance = momentumGuidance({ momentumScale: 2 });
    const memory = new Map<object, Tensor>();
    const scene = randomScene(3);
    expect(guidance.guide(stepOf(scene, { memory }))).toEqual(scene.given);
    const again = guidance.guide(stepOf(scene, { memory }));
    expect(largest(subtract(again, scene.given))).toBeLessThan(1e-6);
    const other = guidance.guide(stepOf(randomScene(4), { memory }));
    expect(largest(subtract(other, randomScene(4).given))).toBeGreaterThan(0.1);
  });

  it('with β = 0 goes on by the difference to the step before', () => {
    const guidance = momentumGuidance({ momentumScale: 0.5, decay: 0 });
    const memory = new Map<object, Tensor>();
    const [first, second] = [1, 2].map((seed) => ({ ...randomScene(seed, 1, 'f64') }));
    const sample = first.given;
    guidance.guide(stepOf(first, { memory, sample }));
    const guided = guidance.guide(stepOf(second, { memory, sample }));
    const wanted = sum(1.5, second.given, -0.5, first.given);
    expect(largest(subtract(guided, wanted))).toBeLessThan(1e-12);
  });
});

describe('SMC-CFG', () => {
  it('without gain is CFG, bit for bit', () => {
    const scene = randomScene(5);
    expect(smcCfg({ guidanceScale: 4, gain: 0 }).guide(stepOf(scene))).toEqual(cfg(4).guide(stepOf(scene)));
  });

  it('at the first step makes every element of the error smaller by K', () => {
    const scene = randomScene(6, 2, 'f64');
    // κ is −1.75 there.
    const guided = smcCfg({ guidanceScale: 1, gain: 0.07 }).guide(stepOf(scene));
    const error = subtract(scene.given, scene.nothing);
    const wanted = mapElements(error, (e) => e - (0.07 / 1.75) * Math.sign(e));
    expect(largest(subtract(subtract(guided, scene.nothing), wanted))).toBeLessThan(1e-12);
  });

  it('with s of length 1 moves each sample by K, whatever its size', () => {
    const scene = randomScene(7, 2, 'f64');
    const away = subtract(
      smcCfg({ guidanceScale: 1, gain: 0.35, switching: 'unit' }).guide(stepOf(scene)),
      scene.given,
    );
    for (const b of [0, 1]) {
      const sample = [...away.data].slice(64 * b, 64 * b + 64);
      const square = sample.reduce((total, value) => total + value * value, 0);
      expect(Math.sqrt(square)).toBeCloseTo(0.35 / 1.75, 12);
    }
  });
});
