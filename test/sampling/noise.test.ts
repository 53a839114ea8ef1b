import fc from 'fast-check';
import { expect, it } from 'vitest';
import { noiseFrom } from '../../src/sampling/noise.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType } from '../../src/tensor/tensor.ts';

const seeds = fc.array(fc.integer(), { minLength: 1, maxLength: 4 });
const shape = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }));
const dtype = fc.constantFrom<DType>('f32', 'f64', 'f16', 'bf16');

it('one generator draws for all samples, in the precision that is asked for, and what follows on', () => {
  fc.assert(
    fc.property(fc.integer(), shape, dtype, dtype, (seed, one, run, drawn) => {
      const source = noiseFrom(manualSeed(seed), run, drawn);
      const generator = manualSeed(seed);
      for (const count of [2, 3])
        expect(source([count, ...one])).toEqual(cast(generator.randn([count, ...one], drawn), run));
    }),
  );
});

it('with a generator for each, a sample is the same whatever it is drawn beside, again and again', () => {
  fc.assert(
    fc.property(seeds, shape, dtype, dtype, (all, one, run, drawn) => {
      const together = noiseFrom(
        all.map((seed) => manualSeed(seed)),
        run,
        drawn,
      );
      const alone = all.map((seed) => noiseFrom([manualSeed(seed)], run, drawn));
      for (let draw = 0; draw < 3; draw++) {
        const { data, shape: found, dtype: stored } = together([all.length, ...one]);
        expect([found, stored]).toEqual([[all.length, ...one], run]);
        expect([...data]).toEqual(alone.flatMap((source) => [...source([1, ...one]).data]));
      }
    }),
    { numRuns: 50 },
  );
});

it('the noise of a run is drawn in its own precision', () => {
  const source = noiseFrom(manualSeed(3), 'f64');
  expect(source([1, 1, 4, 4])).toEqual(manualSeed(3).randn([1, 1, 4, 4], 'f64'));
});

it('as many generators as samples are needed', () => {
  const source = noiseFrom([manualSeed(0), manualSeed(1)], 'f32');
  expect(() => source([3, 1, 2, 2])).toThrow(
    new InputError('noise of [3, 1, 2, 2] needs 3 generators, but 2 were given'),
  );
});
