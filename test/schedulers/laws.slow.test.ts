/** What must hold for schedulers whatever the numbers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divideBy, scale } from '../../src/tensor/arithmetic.ts';
import { tensor, zeros, type DType, type Tensor } from '../../src/tensor/tensor.ts';
import { createScheduler, schedulers, type SchedulerChoices } from '../../src/schedulers/registry.ts';
import type { Config } from '../../src/schedulers/options.ts';
import type { NoiseSource, Scheduler } from '../../src/schedulers/scheduler.ts';
import { modelOf } from './gaussian.ts';
import { byAlpha } from './golden-runs.ts';
import { last, noNoise, seededNoise, to, walk, type Model } from './support.ts';
import { create, deterministic, everyClass, titled, type Variant } from './variants.ts';
import { repeated } from '../thorough.ts';

const shape = [2, 1, 2, 3];
const elements = (dtype: DType) =>
  fc
    .array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 12, maxLength: 12 })
    .map((list) => list.map((value) => value + 0)) // no −0, which toEqual tells from 0
    .map((list) =>
      to(
        'f64',
        tensor(
          dtype === 'f32' ? 'f32' : 'f64',
          shape,
          dtype === 'f32' ? Float32Array.from(list) : Float64Array.from(list),
        ),
      ),
    );
const pictures = elements('f64');
const stepCounts = fc.integer({ min: 4, max: 20 });

const distance = (a: Tensor, b: Tensor): number =>
  Math.max(...Array.from(a.data, (value, i) => Math.abs(value - b.data[i])));
const copyOf = (x: Tensor): Tensor => ({ ...x, data: x.data.slice() });

/** Classes that work with ᾱ have float32 coefficients, as in PyTorch; what the others compute is double. */
const tolerance = (name: string): number => (byAlpha.includes(name) ? 1e-4 : 1e-9);

describe('a model that knows x₀ keeps deterministic schedulers on x = a x₀ + b ε, and at its end is x₀', () => {
  /** What ends at a level other than that of x₀: the class, or the config. */
  const endsBefore = ({ name, config }: Variant): boolean =>
    ['DDIMInverseScheduler', 'DPMSolverMultistepInverseScheduler', 'DEISMultistepScheduler', 'TCDScheduler'].includes(
      name,
    ) ||
    config['final_sigmas_type'] === 'sigma_min' ||
    (name === 'PNDMScheduler' && config['set_alpha_to_one'] !== true);

  it.each(titled(deterministic))('%s', (_, variant) => {
    // These step by ⌊T/steps⌋ timesteps, PNDM by half of it too, whatever the next timestep is: where it does not
    // divide, they miss.
    const needsDivisor =
      variant.name === 'PNDMScheduler' || (variant.name === 'DDIMScheduler' && 'timestep_spacing' in variant.config);
    fc.assert(
      fc.property(
        pictures,
        pictures,
        needsDivisor ? fc.constantFrom(4, 5, 10, 20) : stepCounts,
        (original, noise, steps) => {
          const scheduler = create(variant, steps);
          const model = modelOf(scheduler, (__, ___, i) => original.data[i]);
          // The inverse begins at x₀ itself, which says nothing about ε; the first step of IPNDM does not ask for x₀.
          const begin = ['DDIMInverseScheduler', 'IPNDMScheduler'].includes(variant.name) ? 1 : 0;
          const samples = walk(scheduler, { model, sample: scheduler.addNoise(original, noise, begin), begin });
          samples.forEach((sample, call) => {
            if (call + 1 < samples.length) {
              const next = begin + call + 1;
              const { noise: level } = scheduler.levelAt(next);
              expect(distance(sample, scheduler.addNoise(original, noise, next))).toBeLessThan(
                tolerance(variant.name) * Math.max(1, level),
              );
            } else if (!endsBefore(variant)) expect(distance(sample, original)).toBeLessThan(tolerance(variant.name));
          });
        },
      ),
      { numRuns: repeated(8) },
    );
  });
});

describe('one method in two guises', () => {
  /** A model of the noise that is neither constant nor linear. */
  const model: Model = (x, t) => ({ ...x, data: x.data.map((value) => value / (1 + value * value) + t / 2000) });
  const divisors = fc.constantFrom(4, 5, 8, 10, 20);
  const trailing = { timestep_spacing: 'trailing' };

  it('DDIM with η = 0, then its inverse, returns to where it began, for any model of the timestep alone', () => {
    fc.assert(
      fc.property(pictures, stepCounts, pictures, (sample, steps, direction) => {
        const free = { clip_sample: false };
        const ofTime: Model = (_, t) => scale(direction, Math.sin(t));
        const there = walk(createScheduler({ _class_name: 'DDIMScheduler', ...free }, steps), {
          model: ofTime,
          sample,
        });
        const back = walk(createScheduler({ _class_name: 'DDIMInverseScheduler', ...free }, steps), {
          model: ofTime,
          sample: last(there),
        });
        // DDIM divides by √ᾱ of the first timestep, at least 0.006, and so blows up float32's roundings by 160.
        expect(distance(last(back), sample)).toBeLessThan(1e-4);
      }),
      { numRuns: repeated(20) },
    );
  });

  it('first-order DPM-Solver++ is DDIM', () => {
    fc.assert(
      fc.property(pictures, divisors, (sample, steps) => {
        const ddim = walk(createScheduler({ _class_name: 'DDIMScheduler', clip_sample: false, ...trailing }, steps), {
          model,
          sample,
        });
        const dpm = walk(
          createScheduler({ _class_name: 'DPMSolverMultistepScheduler', solver_order: 1, ...trailing }, steps),
          { model, sample },
        );
        ddim.forEach((one, i) => {
          expect(distance(one, dpm[i])).toBeLessThan(1e-4);
        });
      }),
      { numRuns: repeated(20) },
    );
  });

  it('first-order SDE-DPM-Solver++ is DDIM with η = 1', () => {
    fc.assert(
      fc.property(pictures, divisors, fc.nat(), (sample, steps, seed) => {
        const noise = (): NoiseSource => {
          const source = seededNoise(seed);
          return (size) => to('f64', source(size));
        };
        const ddim = walk(
          createScheduler({ _class_name: 'DDIMScheduler', clip_sample: false, ...trailing }, steps, { eta: 1 }),
          { model, sample, noise: noise() },
        );
        const config = {
          _class_name: 'DPMSolverMultistepScheduler',
          algorithm_type: 'sde-dpmsolver++',
          solver_order: 1,
          ...trailing,
        };
        const dpm = walk(createScheduler(config, steps), { model, sample, noise: noise() });
        ddim.forEach((one, i) => {
          expect(distance(one, dpm[i])).toBeLessThan(1e-3);
        });
      }),
      { numRuns: repeated(20) },
    );
  });

  it('Euler is DDIM, seen in x/√ᾱ', () => {
    fc.assert(
      fc.property(pictures, divisors, (sample, steps) => {
        const ddimScheduler = createScheduler({ _class_name: 'DDIMScheduler', clip_sample: false, ...trailing }, steps);
        const ddim = walk(ddimScheduler, { model, sample });
        const begin = divideBy(sample, ddimScheduler.levelAt(0).signal);
        const euler = walk(createScheduler({ _class_name: 'EulerDiscreteScheduler', ...trailing }, steps), {
          model,
          sample: begin,
        });
        ddim.slice(0, -1).forEach((one, i) => {
          const { signal } = ddimScheduler.levelAt(i + 1);
          expect(distance(divideBy(one, signal), euler[i]) * signal).toBeLessThan(1e-4);
        });
        expect(distance(last(ddim), last(euler))).toBeLessThan(1e-4);
      }),
      { numRuns: repeated(20) },
    );
  });

  it.each([
    ['EulerAncestralDiscrete', 'EulerDiscrete'],
    ['KDPM2AncestralDiscrete', 'KDPM2Discrete'],
  ])('%s with η = 0 is %s, bit for bit', (ancestral, plain) => {
    fc.assert(
      fc.property(pictures, stepCounts, (sample, steps) => {
        const [a, b] = [
          createScheduler({ _class_name: `${ancestral}Scheduler` }, steps, { eta: 0 }),
          createScheduler({ _class_name: `${plain}Scheduler` }, steps),
        ];
        expect(walk(a, { model, sample })).toEqual(walk(b, { model, sample }));
      }),
      { numRuns: repeated(20) },
    );
  });

  it('first-order UniPC without its corrector, singlestep and multistep DPM-Solver++ are one method', () => {
    fc.assert(
      fc.property(pictures, stepCounts, (sample, steps) => {
        const run = (name: string, config: Config) =>
          walk(createScheduler({ _class_name: name, solver_order: 1, ...config }, steps), { model, sample });
        const multistep = run('DPMSolverMultistepScheduler', {});
        const others = [
          run('DPMSolverSinglestepScheduler', {}),
          run('UniPCMultistepScheduler', { disable_corrector: Array.from({ length: 20 }, (_, i) => i) }),
        ];
        for (const other of others)
          other.forEach((one, i) => {
            expect(distance(one, multistep[i])).toBeLessThan(1e-11);
          });
      }),
      { numRuns: repeated(20) },
    );
  });
});

describe.each(titled(everyClass))('%s', (_, variant) => {
  const model: Model = (x, t) => ({ ...x, data: x.data.map((value) => value / (1 + value * value) + t / 2000) });
  const single = elements('f32').map((x) => to('f32', x));

  it('is pure: a step gives the same twice, and changes nothing that it is given', () => {
    fc.assert(
      fc.property(single, stepCounts, fc.nat(), (start, steps, seed) => {
        const scheduler = create(variant, steps);
        let [sample, state] = [scale(start, scheduler.initNoiseSigma), scheduler.start];
        for (let index = 0; index < scheduler.timesteps.length; index++) {
          const modelOutput = model(
            scheduler.scaleModelInput(sample, index),
            scheduler.timesteps[index],
            index,
            sample,
          );
          const before = structuredClone({ state, sample, modelOutput });
          const input = { index, modelOutput, sample };
          const first = scheduler.step(state, { ...input, noise: seededNoise(seed + index) });
          expect({ state, sample, modelOutput }).toEqual(before);
          expect(scheduler.step(state, { ...input, noise: seededNoise(seed + index) })).toEqual(first);
          ({ state, sample } = first);
        }
      }),
      { numRuns: 5 },
    );
  });

  it('remembers nothing: a second run, and one beside another, give the same', () => {
    fc.assert(
      fc.property(single, stepCounts, fc.nat(), (start, steps, seed) => {
        const scheduler = create(variant, steps);
        const sample = scale(start, scheduler.initNoiseSigma);
        const alone = walk(scheduler, { model, sample, noise: seededNoise(seed) });
        const meanwhile: Model = (x, t, index, whole) => {
          if (index === 2) walk(scheduler, { model, sample: whole, noise: seededNoise(seed + 1) });
          return model(x, t, index, whole);
        };
        expect(walk(scheduler, { model: meanwhile, sample, noise: seededNoise(seed) })).toEqual(alone);
      }),
      { numRuns: 5 },
    );
  });

  it('does to a batch what it does to each sample alone, bit for bit', () => {
    fc.assert(
      fc.property(single, stepCounts, (start, steps) => {
        const half = (x: Tensor, which: number): Tensor =>
          tensor('f32', [1, 1, 2, 3], x.data.slice(6 * which, 6 * which + 6) as Float32Array);
        const recorded = (which?: number): NoiseSource => {
          const source = seededNoise(7);
          return () => {
            const z = source(shape);
            return which === undefined ? z : half(z, which);
          };
        };
        const scheduler = create(variant, steps);
        const sample = scale(start, scheduler.initNoiseSigma);
        const together = walk(scheduler, { model, sample, noise: recorded() });
        for (const which of [0, 1]) {
          const alone = walk(scheduler, { model, sample: half(sample, which), noise: recorded(which) });
          expect(together.map((one) => half(one, which))).toEqual(alone);
        }
      }),
      { numRuns: 5 },
    );
  });

  it('adds no noise where there is none to add', () => {
    fc.assert(
      fc.property(pictures, stepCounts, (original, steps) => {
        const scheduler = create(variant, steps);
        scheduler.timesteps.forEach((__, index) => {
          const { signal } = scheduler.levelAt(index);
          expect(distance(scheduler.addNoise(original, zeros('f64', shape), index), scale(original, signal))).toBe(0);
        });
      }),
      { numRuns: 5 },
    );
  });
});

describe('noise at timestep 0', () => {
  const names = [
    'DDPM',
    'DDIM',
    'PNDM',
    'LCM',
    'TCD',
    'EulerDiscrete',
    'EulerAncestralDiscrete',
    'HeunDiscrete',
    'LMSDiscrete',
  ];
  const atZero = (name: string, config: Config): readonly [Scheduler, number] => {
    const steps = name === 'LCM' || name === 'TCD' ? 1000 : 10;
    const grid =
      name === 'LCM' || name === 'TCD' ? { original_inference_steps: 1000 } : { timestep_spacing: 'leading' };
    const scheduler = createScheduler({ _class_name: `${name}Scheduler`, ...grid, ...config }, steps);
    return [scheduler, scheduler.timesteps.indexOf(0)];
  };

  const trained_betas = Array.from({ length: 1000 }, (_, t) => 0.02 * (t / 1000));

  it.each(names.slice(0, 3).concat(names.slice(5)))(
    '%s: has no step from a picture without any, where β₀ is 0',
    (name) => {
      expect(() => atZero(name, { trained_betas })).toThrow(
        /^\w+: with trained_betas (ᾱ is 1 at timestep 0, a picture|σ is 0 at call 9 of the model; expected)/,
      );
    },
  );

  it.each(['LCM', 'TCD'])('%s: none, so the identity, where β₀ is 0', (name) => {
    fc.assert(
      fc.property(pictures, pictures, (original, noise) => {
        const [scheduler, index] = atZero(name, { trained_betas });
        expect(scheduler.addNoise(original, noise, index)).toEqual(original);
      }),
      { numRuns: 5 },
    );
  });

  it.each(names)('%s: otherwise √β₀, since ᾱ₀ = 1 − β₀', (name) => {
    fc.assert(
      fc.property(pictures, pictures, fc.double({ min: 1e-5, max: 1e-2, noNaN: true }), (original, noise, beta) => {
        const [scheduler, index] = atZero(name, { beta_start: beta, beta_end: 0.02, beta_schedule: 'linear' });
        const change = distance(copyOf(scheduler.addNoise(original, noise, index)), original);
        // |√(1−β) − 1| ≤ β for the picture, √β or, in x/√ᾱ, √(β/(1−β)) for the noise; values are at most 2.
        expect(change).toBeLessThanOrEqual(2 * (beta + Math.sqrt(beta / (1 - beta))) * (1 + 1e-3));
        expect(scheduler.levelAt(index).noise).toBeGreaterThan(0.99 * Math.sqrt(beta));
      }),
      { numRuns: 5 },
    );
  });
});

it('an η that is not chosen is the one that the list of schedulers states', () => {
  const model: Model = (x) => ({ ...x, data: x.data.map((value) => value / (1 + value * value)) });
  const start = tensor(
    'f32',
    shape,
    Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
  );
  for (const [name, { eta }] of Object.entries(schedulers)) {
    if (eta === undefined) continue;
    const run = (choices: SchedulerChoices) => {
      const scheduler = create({ name, config: {}, choices }, 5);
      return walk(scheduler, { model, sample: scale(start, scheduler.initNoiseSigma), noise: seededNoise(1) });
    };
    expect(run({}), name).toEqual(run({ eta }));
    expect(run({}), name).not.toEqual(run({ eta: 0.5 }));
  }
});

it('a run without noise never asks for any', () => {
  for (const variant of deterministic) {
    const scheduler = create(variant, 6);
    const model: Model = (x) => x;
    expect(() => walk(scheduler, { model, sample: scale(zeros('f32', shape), 1), noise: noNoise })).not.toThrow();
  }
});
