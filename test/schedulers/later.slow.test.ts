/** Runs that leave out their first steps: they go on where a whole run would be, and need nothing from before. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createScheduler } from '../../src/schedulers/registry.ts';
import type { Scheduler } from '../../src/schedulers/scheduler.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { modelOf } from './gaussian.ts';
import { seededNoise, walk, type Model } from './support.ts';
import { deterministic, everyClass, titled, type Variant } from './variants.ts';

const shape = [1, 1, 2, 3];
const pictures = fc
  .array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 6, maxLength: 6 })
  .map((list) => tensor('f64', shape, Float64Array.from(list)));
const distance = (a: Tensor, b: Tensor): number =>
  Math.max(...Array.from(a.data, (value, i) => Math.abs(value - b.data[i])));
const create = ({ name, config, choices }: Variant, steps: number, begin: number): Scheduler =>
  createScheduler({ _class_name: name, ...config }, steps, { ...choices, begin });
/** Where the Runge–Kutta start of PNDM needs four steps. */
const needed = ({ name, config }: Variant): number =>
  name === 'PNDMScheduler' && config['skip_prk_steps'] !== true ? 4 : 1;
const cuts = (variant: Variant) =>
  fc
    .constantFrom(5, 10, 20, 25) // their half is a whole stride of timesteps, as PNDM needs
    .chain((steps) => fc.tuple(fc.constant(steps), fc.integer({ min: 1, max: steps - needed(variant) })));
/** Curved, and other at every timestep. */
const curved: Model = (x, t) => ({ ...x, data: x.data.map((value) => value / (1 + value * value) + t / 2000) });

/** ᾱ and what comes from it are float32. */
const inSingle = ['DDPM', 'DDIM', 'PNDM', 'LCM', 'TCD', 'IPNDM'].map((name) => `${name}Scheduler`);
/** What ends at a level other than that of x₀: the class, or the config. */
const endsBefore = ({ name, config }: Variant): boolean =>
  ['DEISMultistepScheduler', 'TCDScheduler'].includes(name) ||
  config['final_sigmas_type'] === 'sigma_min' ||
  (name === 'PNDMScheduler' && config['set_alpha_to_one'] !== true);

/** PNDM without its Runge–Kutta start, which is a step late wherever it begins later, as diffusers' is. */
const isLate = ({ name, config }: Variant): boolean => name === 'PNDMScheduler' && config['skip_prk_steps'] === true;

describe('a model that knows x₀ leads a run to it from wherever it begins', () => {
  it.each(titled(deterministic.filter((variant) => !variant.name.includes('Inverse') && !isLate(variant))))(
    '%s',
    (_, variant) => {
      const near = inSingle.includes(variant.name) ? 1e-4 : 1e-9;
      fc.assert(
        fc.property(pictures, pictures, cuts(variant), (original, noise, [steps, begin]) => {
          const scheduler = create(variant, steps, begin);
          const model = modelOf(scheduler, (__, ___, i) => original.data[i]);
          const samples = walk(scheduler, { model, sample: scheduler.addNoise(original, noise, 0) });
          samples.slice(0, -1).forEach((sample, call) => {
            const there = scheduler.addNoise(original, noise, call + 1);
            expect(distance(sample, there)).toBeLessThan(near * Math.max(1, scheduler.levelAt(call + 1).noise));
          });
          if (!endsBefore(variant)) expect(distance(samples[samples.length - 1], original)).toBeLessThan(near);
        }),
        { numRuns: 12 },
      );
    },
  );
});

/** What looks at no step but its own. */
const named = /^(DDPM|DDIM|Euler|Heun|KDPM2|LCM|TCD|EDMEuler|FlowMatch|CM|ScoreSdeVe|DPMSolverSDE)/;
const ofOneStep = everyClass.filter(({ name }) => named.test(name));

describe('a method of one step goes on with the bits of the whole run', () => {
  it.each(titled(ofOneStep))('%s', (_, variant) => {
    fc.assert(
      fc.property(pictures, cuts(variant), (sample, [steps, begin]) => {
        const whole = create(variant, steps, 0);
        const later = create(variant, steps, begin);
        const first = whole.timesteps.length - later.timesteps.length;
        // Each call draws its own noise, whichever calls come before.
        const noiseOf = (from: number) => {
          let call = from;
          return (size: readonly number[]): Tensor => {
            const drawn = seededNoise(call++)(size);
            return tensor('f64', size, Float64Array.from(drawn.data));
          };
        };
        const trace: Tensor[] = [];
        let draws = 0;
        const drawsBefore: number[] = [];
        const all = walk(whole, {
          model: (x, t, index, current) => {
            trace.push(current);
            drawsBefore[index] = draws;
            return curved(x, t, index, current);
          },
          sample,
          noise: (size) => noiseOf(draws++)(size),
        });
        const rest = walk(later, { model: curved, sample: trace[first], noise: noiseOf(drawsBefore[first]) });
        expect(rest).toEqual(all.slice(first));
      }),
      { numRuns: 12 },
    );
  });
});

/** What calls the model twice a step, though most of them once in the last. */
const twice = /^(Heun|KDPM2|FlowMatchHeun|DPMSolverSDE|ScoreSdeVe)/;

describe('the calls that are left', () => {
  it.each(titled(everyClass))('of %s are the last of the whole run, as many as the steps need', (_, variant) => {
    for (const [steps, begin] of [
      [8, 3],
      [10, 6],
    ]) {
      const [whole, later] = [create(variant, steps, 0), create(variant, steps, begin)];
      const order = twice.test(variant.name) ? 2 : 1;
      const last = variant.name === 'ScoreSdeVeScheduler' ? 2 : 1;
      const isPrk = variant.name === 'PNDMScheduler';
      expect(later.timesteps).toHaveLength(isPrk ? steps - begin + 9 : order * (steps - begin - 1) + last);
      if (isPrk) continue;
      expect(later.timesteps).toEqual(whole.timesteps.slice(-later.timesteps.length));
      expect(later.initNoiseSigma).toBe(later.levelAt(0).noise);
      expect(later.timesteps.map((__, i) => later.levelAt(i))).toEqual(
        whole.timesteps.map((__, i) => whole.levelAt(i)).slice(-later.timesteps.length),
      );
    }
  });

  it.each([-1, 8, 1.5, NaN])('are refused for a begin of %d of 8 steps', (begin) => {
    const make = () => createScheduler({ _class_name: 'DDIMScheduler' }, 8, { begin });
    expect(make).toThrow(InputError);
    expect(make).toThrow(`DDIMScheduler: begin is ${begin} of 8 steps; expected a whole number from 0 to 7`);
  });

  it('of PNDM are enough for its start, or refused', () => {
    const make = () => createScheduler({ _class_name: 'PNDMScheduler' }, 8, { begin: 5 });
    expect(make).toThrow('3 steps are asked for, but the Runge–Kutta start needs 4; set skip_prk_steps');
  });
});
