/** The Brownian motion of DPMSolverSDE and CosineDPMSolverMultistep, against NumPy, torchsde and diffusers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brownianIncrement, brownianNoise, toSixDecimals } from '../../src/schedulers/brownian-tree.ts';
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { add, divide, mapElements, mean, multiply, scale, std } from '../../src/tensor/arithmetic.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { seedStates } from '../../src/tensor/seed-sequence.ts';
import { tensor, zeros, type Tensor } from '../../src/tensor/tensor.ts';
import { readGoldens } from '../tensor/goldens.ts';
import { noNoise, to, walk, type Model } from './support.ts';

const { metadata, tensors } = readGoldens('brownian/brownian.safetensors');

interface Sequence {
  readonly entropy: string;
  readonly spawn_key: readonly number[];
  readonly pool_size: number;
  readonly states: readonly number[];
}

it.each(JSON.parse(metadata['states']) as Sequence[])(
  'seeds are those of NumPy: $entropy, $spawn_key',
  ({ entropy, spawn_key, pool_size, states }) => {
    expect(seedStates(BigInt(entropy), spawn_key, pool_size, states.length)).toEqual(states);
  },
);

describe('six decimals', () => {
  it('are those of Python’s round, which of two takes the even one', () => {
    const rounded: readonly (readonly [number, number])[] = [
      [0.0078125, 0.007812],
      [0.0234375, 0.023438],
      [2.0234375, 2.023438],
      [100.0078125, 100.007812],
      [0.1234565, 0.123456],
      [0.1234575, 0.123457],
      [0.3000000119, 0.3],
      [14.614642, 14.614642],
      [1e-7, 0],
    ];
    expect(rounded.map(([x]) => toSixDecimals(x))).toEqual(rounded.map(([, value]) => value));
  });
});

interface Motion {
  readonly seed: string | readonly string[];
  readonly ends: readonly [number, number];
  readonly shape: readonly number[];
  readonly steps: readonly (readonly [number, number])[];
}

describe.each((JSON.parse(metadata['motions']) as Motion[]).map((one, i) => ({ ...one, i })))(
  'the motion of seed $seed',
  ({ i, seed, ends, shape, steps }) => {
    // The ends are float32 there, whatever the precision of the noise.
    const [from, end] = ends.map(Math.fround);
    const motionOf = (one: string) => ({ seed: BigInt(one), from, to: end });
    const motion = typeof seed === 'string' ? motionOf(seed) : seed.map(motionOf);

    it('has the noise of torchsde, bit for bit in float32', () => {
      steps.forEach(([sigma, next], k) => {
        const ours = brownianNoise(motion, Math.fround(sigma), Math.fround(next), shape, 'f32');
        expect(ours.shape).toEqual(shape);
        expect(Array.from(ours.data), `step ${k}`).toEqual(Array.from(tensors[`${i}.${k}/f32`]));
      });
    });

    it('has the noise of torchsde in float64, but for the last bits of its normal numbers', () => {
      steps.forEach(([sigma, next], k) => {
        const { data } = brownianNoise(motion, sigma, next, shape, 'f64');
        const golden = tensors[`${i}.${k}/f64`];
        data.forEach((value, j) => {
          expect(Math.abs(value - golden[j]), `step ${k}`).toBeLessThan(
            1e-12 * Math.max(1, 1 / Math.sqrt(sigma - next)),
          );
        });
      });
    });
  },
);

describe('a Brownian motion', () => {
  const motion = { seed: 5n, from: 0.03, to: 15 };
  const place = fc.integer({ min: 30_000, max: 15_000_000 }).map((micro) => Number(`${micro}e-6`));

  it('is one path: increments add up', () => {
    fc.assert(
      fc.property(place, place, place, (...places) => {
        const [a, b, c] = places.sort((x, y) => x - y);
        const of = (from: number, end: number) => brownianIncrement(motion, from, end, [2, 3], 'f64');
        const sum = add(of(a, b), of(b, c));
        of(a, c).data.forEach((value, i) => {
          expect(Math.abs(value - sum.data[i])).toBeLessThan(1e-12);
        });
      }),
      { numRuns: 20 },
    );
  });

  it('has the law of its steps: mean 0 and deviation 1, and steps beside one another are independent', () => {
    const count = 20_000;
    const [first, second] = [
      [9, 4],
      [4, 3.999],
    ].map(([sigma, next]) => brownianNoise(motion, sigma, next, [1, count], 'f32'));
    for (const z of [first, second]) {
      expect(Math.abs(mean(z)[0])).toBeLessThan(4 / Math.sqrt(count));
      expect(Math.abs(std(z)[0] - 1)).toBeLessThan(4 / Math.sqrt(2 * count));
    }
    expect(Math.abs(mean(multiply(first, second))[0])).toBeLessThan(4 / Math.sqrt(count));
  });
});

interface Run {
  readonly name: string;
  readonly config: Config;
  readonly steps: number;
  readonly noise_seed: number | null;
}

const given = readGoldens('schedulers/given.safetensors').tensors;
const shape = [2, 2, 4, 4];
const givenTensor = (name: string): Tensor => to('f64', tensor('f32', shape, given[name]));
/** That of the goldens of schedulers. */
const model: Model = (x, t) =>
  add(
    add(
      multiply(givenTensor('a'), x),
      divide(
        givenTensor('b'),
        mapElements(multiply(x, x), (square) => 1 + square),
      ),
    ),
    scale(givenTensor('c'), 1 / (1 + (t / 500) ** 2)),
  );

it.each((JSON.parse(metadata['runs']) as Run[]).map((one, i) => ({ ...one, i })))(
  '$name $config draws with its seed what diffusers draws',
  ({ i, name, config, steps, noise_seed }) => {
    const choices = noise_seed === null ? {} : { noiseSeed: noise_seed };
    const scheduler = createScheduler({ _class_name: name, ...config }, steps, choices);
    const sample = scale(givenTensor('sample'), scheduler.initNoiseSigma);
    const samples = walk(scheduler, { model, sample, noise: noNoise });
    const golden = tensors[`run.${i}`];
    samples.forEach(({ data }, call) => {
      const exact = golden.slice(call * 64, (call + 1) * 64);
      const extent = Math.max(...Array.from(exact, Math.abs));
      data.forEach((value, j) => {
        expect(Math.abs(value - exact[j]), `call ${call}`).toBeLessThan(1e-12 * extent);
      });
    });
  },
);

describe('a seed of the noise', () => {
  const sde = { _class_name: 'DPMSolverSDEScheduler' };
  const draw = (config: Config, noiseSeed: number | bigint | readonly (number | bigint)[], batch: number): Tensor => {
    const scheduler = createScheduler(config, 4, { noiseSeed });
    const x = zeros('f32', [batch, 1, 2, 2]);
    return scheduler.step(scheduler.start, { index: 0, modelOutput: x, sample: x, noise: noNoise }).sample;
  };

  it('for each sample draws what each would draw alone', () => {
    for (const config of [sde, { _class_name: 'CosineDPMSolverMultistepScheduler' }]) {
      const both = draw(config, [3, 8n], 2).data;
      expect([...draw(config, [3], 1).data, ...draw(config, [8], 1).data]).toEqual([...both]);
      expect(both.slice(0, 4)).not.toEqual(both.slice(4));
    }
  });

  it('that stands in the config comes first; a negative one is that of 64 bits without sign', () => {
    expect(draw({ ...sde, noise_sampler_seed: 3 }, 8, 1)).toEqual(draw(sde, 3, 1));
    expect(draw(sde, -1, 1)).toEqual(draw(sde, 2n ** 64n - 1n, 1));
  });

  it('that is none, or too many for the samples, or of no use is refused', () => {
    for (const wrong of [0.5, NaN, 2n ** 64n, -(2n ** 63n) - 1n, 'x' as unknown as number, null as unknown as number])
      expect(() => createScheduler(sde, 4, { noiseSeed: wrong })).toThrow(InputError);
    expect(() => draw(sde, [1, 2], 1)).toThrow(
      new InputError('DPMSolverSDEScheduler: 2 seeds are given for 1 samples; expected as many'),
    );
    expect(() => createScheduler({ _class_name: 'DDIMScheduler' }, 4, { noiseSeed: 1 })).toThrow(
      "DDIMScheduler has no noise of a seed of its own; leave noiseSeed out, and seed the run's noise",
    );
  });

  it('without one the second half of a step goes on from the noise of the first', () => {
    const scheduler = createScheduler(sde, 4);
    const [x, one] = [0, 1].map((value) => tensor('f64', [1, 1], Float64Array.of(value)));
    const [sigma, middle, next] = [0, 1, 2].map((index) => scheduler.levelAt(index).noise);
    const kick = (first: Tensor, second: Tensor): number => {
      const begun = scheduler.step(scheduler.start, { index: 0, modelOutput: x, sample: x, noise: () => first });
      return scheduler.step(begun.state, { index: 1, modelOutput: x, sample: x, noise: () => second }).sample.data[0];
    };
    const [before, after] = [kick(one, x), kick(x, one)];
    expect(before / after).toBeCloseTo(Math.sqrt((sigma - middle) / (middle - next)), 12);
    const up = Math.sqrt((next ** 2 * (sigma ** 2 - next ** 2)) / sigma ** 2);
    expect(Math.hypot(before, after) / up).toBeCloseTo(1, 12);
  });
});

it('sNoise is the deviation of the noise', () => {
  const config = { _class_name: 'DPMSolverSDEScheduler' };
  const draws = [0, 1, 2, 3, 4, 5, 6, 7].map((i) =>
    tensor('f64', [1, 2], Float64Array.of(Math.sin(3 * i), Math.cos(i))),
  );
  const run = (sNoise: number | undefined, factor: number): readonly Tensor[] => {
    const scheduler = createScheduler(config, 5, sNoise === undefined ? {} : { sNoise });
    let draw = 0;
    const sample = tensor('f64', [1, 2], Float64Array.of(9, -4));
    const noise = (): Tensor => scale(draws[draw++], factor);
    return walk(scheduler, { model: (x) => scale(x, 0.1), sample, noise });
  };
  expect(run(1, 1)).toEqual(run(undefined, 1));
  for (const sNoise of [0, 0.5, 2]) expect(run(sNoise, 1)).toEqual(run(undefined, sNoise));
});
