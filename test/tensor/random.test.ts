import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kaimingUniformBound, manualSeed, uniform } from '../../src/tensor/random.ts';
import type { Generator } from '../../src/tensor/random.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { sizeOf, type DType } from '../../src/tensor/tensor.ts';
import { thorough } from '../thorough.ts';
import { readGoldens, ulpOf } from './goldens.ts';

type Draw =
  | ['rand' | 'randn', number[], DType]
  | ['uniform', number[], 'f32', number, number]
  | ['layer', number, number, number];

interface Sequence {
  seed: number;
  draws: { name: string; draw: Draw }[];
}

const { metadata, tensors } = readGoldens('random/random.safetensors');
const sequences = JSON.parse(metadata.draws) as Sequence[];

/** Draws one after another from one generator, and the SHA-256 of all their numbers, rounded to float32. */
interface Hashed {
  kind: 'rand' | 'randn';
  dtype: DType;
  sizes: number[];
  seed: string;
  sha256: string;
}

const hashed = JSON.parse(metadata.hashes) as Hashed[];

/** What a draw gives, under the names of its golden tensors. */
function perform(generator: Generator, name: string, draw: Draw): Record<string, Float32Array | Float64Array> {
  switch (draw[0]) {
    case 'rand':
      return { [name]: generator.rand(draw[1], draw[2]).data };
    case 'randn':
      return { [name]: generator.randn(draw[1], draw[2]).data };
    case 'uniform':
      return { [name]: uniform(generator, draw[1], draw[3], draw[4]).data };
    case 'layer': {
      const [, outputs, inputs, kernel] = draw;
      const fanIn = inputs * Math.max(1, kernel) ** 2;
      const weightBound = kaimingUniformBound(fanIn);
      const biasBound = 1 / Math.sqrt(fanIn);
      const weight = uniform(generator, [outputs, fanIn], -weightBound, weightBound).data;
      return {
        [`${name}.weight`]: weight,
        [`${name}.bias`]: uniform(generator, [outputs], -biasBound, biasBound).data,
      };
    }
  }
}

/**
 * The greatest distance from PyTorch's numbers over all draws of one kind, in ulps of the array that holds them;
 * infinite if a length differs.
 */
function worstUlps(
  kind: Draw[0],
  isWanted: (length: number, dtype: unknown) => boolean,
): { worst: number; compared: number } {
  let worst = 0;
  let compared = 0;
  for (const { seed, draws } of sequences) {
    const generator = manualSeed(seed);
    for (const { name, draw } of draws) {
      for (const [key, ours] of Object.entries(perform(generator, name, draw))) {
        const theirs = tensors[key];
        if (draw[0] !== kind || !isWanted(theirs.length, draw[2])) continue;
        if (ours.length !== theirs.length) return { worst: Infinity, compared };
        const format = theirs instanceof Float32Array ? 'f32' : 'f64';
        for (const [i, value] of theirs.entries())
          worst = Math.max(worst, Math.abs(ours[i] - value) / ulpOf(value, format));
        compared += theirs.length;
      }
    }
  }
  return { worst, compared };
}

describe('random numbers against PyTorch', () => {
  it('gives the same bits for rand, in all dtypes and sizes', () => {
    const { worst, compared } = worstUlps('rand', () => true);
    expect(compared).toBeGreaterThan(10_000);
    expect(worst).toBe(0);
  });

  it('gives the same bits for uniform_ and for the default initialisation of layers', () => {
    expect(worstUlps('uniform', () => true)).toEqual({ worst: 0, compared: 306 });
    expect(worstUlps('layer', () => true).worst).toBe(0);
  });

  it('gives the same bits for fewer than 16 normal numbers, which PyTorch computes one by one in double', () => {
    const { worst, compared } = worstUlps('randn', (length) => length < 16);
    expect(compared).toBeGreaterThan(200);
    expect(worst).toBe(0);
  });

  it.each(['f32', 'f16', 'bf16'])('gives the same bits for 16 normal numbers of %s and more', (dtype) => {
    const { worst, compared } = worstUlps('randn', (length, one) => length >= 16 && one === dtype);
    expect(compared).toBeGreaterThan(2000);
    expect(worst).toBe(0);
  });

  it('is within 3 ulp for 16 normal numbers of f64 and more, whose log, sin and cos are of the C library there', () => {
    const { worst, compared } = worstUlps('randn', (length, dtype) => length >= 16 && dtype === 'f64');
    expect(compared).toBeGreaterThan(3000);
    expect(worst).toBeLessThanOrEqual(3);
  });

  // Of a million numbers, which take long, the other dtypes are left to CI: they have all other sizes here.
  it.each(hashed.filter(({ dtype, sizes }) => thorough || dtype === 'f32' || sizes.every((size) => size < 1e6)))(
    'gives the same bits for $kind of $dtype, $sizes.length draws from $sizes.0 on, seed $seed',
    (all) => {
      const generator = manualSeed(BigInt(all.seed));
      const hash = createHash('sha256');
      for (const size of all.sizes) hash.update(Float32Array.from(generator[all.kind]([size], all.dtype).data));
      expect(hash.digest('hex')).toBe(all.sha256);
    },
  );

  it('has hashes of a million numbers and of every size to 70, in every dtype', () => {
    const made = hashed.map(({ kind, dtype, sizes }) => `${kind} ${dtype} ${sizes.length} ${sizes.at(-1)}`);
    for (const dtype of ['f32', 'f64', 'f16', 'bf16'])
      expect(made).toEqual(expect.arrayContaining([`randn ${dtype} 1 1000005`, `randn ${dtype} 70 70`]));
  });
});

describe('a generator', () => {
  const shape = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 });
  const seed = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

  it('draws what its clone draws, and the clone does not move it', () => {
    fc.assert(
      fc.property(seed, fc.array(shape, { minLength: 1, maxLength: 4 }), shape, (s, before, shapeAfter) => {
        const generator = manualSeed(s);
        for (const drawn of before) generator.randn(drawn);
        const clone = generator.clone();
        clone.clone().randn(shapeAfter);
        const fromClone = [clone.randn(shapeAfter), clone.rand(shapeAfter, 'f64')];
        expect([generator.randn(shapeAfter), generator.rand(shapeAfter, 'f64')]).toEqual(fromClone);
      }),
      { numRuns: 50 },
    );
  });

  it('gives tensors of the shape and dtype asked for', () => {
    fc.assert(
      fc.property(seed, shape, fc.constantFrom<DType>('f32', 'f64', 'f16', 'bf16'), (s, asked, dtype) => {
        for (const draw of ['rand', 'randn'] as const) {
          const x = manualSeed(s)[draw](asked, dtype);
          expect([x.shape, x.dtype, x.data.length]).toEqual([asked, dtype, sizeOf(asked)]);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('sees only the lowest 32 bits of a seed', () => {
    expect(manualSeed(2 ** 32 + 5).rand([4])).toEqual(manualSeed(5).rand([4]));
    expect(manualSeed(-1).rand([4])).toEqual(manualSeed(2n ** 64n - 1n).rand([4]));
  });

  it('has the moments of a normal distribution', () => {
    const numbers = Array.from(manualSeed(11).randn([100_000]).data);
    const moment = (power: number): number => numbers.reduce((sum, x) => sum + x ** power, 0) / numbers.length;
    // [power, its expectation, the variance of x^power]; five standard errors are exceeded once in two million.
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ]) {
      expect(Math.abs(moment(power) - expected)).toBeLessThan(5 * Math.sqrt(variance / numbers.length));
    }
  });

  it.each([0.5, NaN, 2 ** 53, -(2 ** 53), 2n ** 64n, -(2n ** 63n) - 1n])('refuses the seed %s', (wrong) => {
    expect(() => manualSeed(wrong)).toThrow(
      new InputError(
        'a seed is a whole number from −2^63 to 2^64 − 1 (a bigint where it is beyond 2^53), ' +
          `but ${wrong} was given`,
      ),
    );
  });

  it('refuses to draw in a precision that is none, or a shape that is none', () => {
    const generator = manualSeed(3);
    const before = generator.clone();
    for (const draw of ['rand', 'randn'] as const) {
      expect(() => generator[draw]([2], 'f8' as 'f32')).toThrow(
        new InputError('there is no dtype "f8"; there are f64, f32, f16, bf16'),
      );
      expect(() => generator[draw]([2, -1])).toThrow(
        new InputError('a tensor cannot have the shape [2, -1]; extents are whole numbers from 0 on'),
      );
    }
    expect(generator.randn([20]), 'what is refused draws nothing').toEqual(before.randn([20]));
  });
});
