import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as everything from '../../src/tensor/math/index.ts';
import { readGoldens, ulpOf } from './goldens.ts';

const { tensors } = readGoldens('elementary/elementary.safetensors');
const math = { ...everything };

/** The errors that the docstrings state, in ulps; measured on a hundred times as many points as are committed. */
const DOUBLE_BOUNDS = {
  exp: 0.74,
  expm1: 0.6,
  log: 0.501,
  log1p: 0.67,
  sin: 0.75,
  cos: 0.75,
  tanh: 0.501,
  erf: 0.76,
  sigmoid: 2,
  silu: 2,
  mish: 4,
  pow: 0.501,
} as const;

describe('double precision against MPFR', () => {
  it.each(Object.entries(DOUBLE_BOUNDS))('%s errs by at most %d ulp', (name, bound) => {
    const f = math[name as keyof typeof DOUBLE_BOUNDS] as (x: number, y?: number) => number;
    const x = tensors[`${name}.x`];
    const y = tensors[`${name}.y`];
    const value = tensors[`${name}.value`];
    const rest = tensors[`${name}.rest`];
    expect(x.length).toBeGreaterThan(700);
    let worst = 0;
    for (let i = 0; i < x.length; i++) {
      const ours = y === undefined ? f(x[i]) : f(x[i], y[i]);
      if (Object.is(ours, value[i]) && !Number.isFinite(ours)) continue;
      worst = Math.max(worst, Math.abs((ours - value[i]) / ulpOf(value[i], 'f64') - rest[i]));
    }
    expect(worst).toBeLessThanOrEqual(bound);
  });

  it('gelu errs by at most 3e-14 of its value, deep in the tail too', () => {
    const value = tensors['gelu.value'];
    tensors['gelu.x'].forEach((x, i) => {
      // Where e^(−x²/2) is subnormal it has fewer digits, and below −39 it is 0.
      const allowed = x < -37 ? 1e-307 : 3e-14 * Math.abs(value[i]);
      expect(Math.abs(math.gelu(x) - value[i])).toBeLessThanOrEqual(allowed);
    });
  });

  it('gives powers of integers exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: 0, max: 5 }), (base, exponent) => {
        expect(math.pow(base, exponent)).toBe(Number(BigInt(base) ** BigInt(exponent)));
      }),
    );
  });
});

describe('the same bits in every engine', () => {
  // SHA-256 of the results on the golden arguments, so that a change of the last bit, which the bounds above may allow,
  // is seen.
  const hashes: readonly (readonly [keyof typeof math, string])[] = [
    ['exp', '663a43d4e4a14f15bb125913d3c0a015cf5087f17eb9c92a23206d7bbb894303'],
    ['expm1', '287c94391fb9ffe7bf929e89afa8bed130f348cc26405fd8864875f5fc7d2169'],
    ['log', '4227dfaef5bff827e87dc08f5207cfd8e1c603fca3a6469091acfcd64734607c'],
    ['log1p', '7096724209703de174b7777788ed84bd202d84e2d35779c18c8fb53133ccb9bb'],
    ['sin', 'f38355aefbcd3a2537026b3ad530f2a13121b2c3f682002991a7e8fc62ab86ad'],
    ['cos', '5cb1ba4af370378dc1c062f73fadf78250a0267d3475cff3316d41c57279e899'],
    ['tanh', 'c45d31582204f3aa98908d8e456ac76c1c9bfb7d2280f8fa4b72913764b08224'],
    ['erf', '1154cdf731880f69e4f85b4de6df3576afa00604a43e1f056bbd463036272f87'],
    ['sigmoid', 'c755c9a6205330359cb7056483419f210129a9680d82483e8f7bfb2ec189e345'],
    ['silu', '92205c21562fb6186dcae764ebab2252a59d4c50e2ffb2305a0255d0b1418f61'],
    ['gelu', 'ffc96df311462a7f4711886ea6561b4bb60f532862f83d7d179cc8aaa7fecd45'],
    ['mish', '99478d7006eb40a06e30006027e8afcb923594122869db122b5d0723e2686414'],
    ['pow', '546fff3527332d679f11ad60a931d957025ef862e78ed49cf99c847e10ed62ba'],
  ];
  it.each(hashes)('%s', (name, hash) => {
    const f = math[name] as (x: number, y?: number) => number;
    const results = tensors[`${name}.x`].map((x, i) => f(x, tensors[`${name}.y`]?.[i]));
    for (const result of results) expect(result).not.toBeNaN(); // the bits of a NaN are the engine's choice
    expect(createHash('sha256').update(new Uint8Array(results.buffer)).digest('hex')).toBe(hash);
  });
});

describe('special values', () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  // [function, x, result]
  const oneArgument: readonly (readonly [keyof typeof math, number, number])[] = [
    ['exp', 0, 1],
    ['exp', -0, 1],
    ['exp', infinity, infinity],
    ['exp', -infinity, 0],
    ['exp', 710, infinity],
    ['exp', -746, 0],
    ['expf', 0, 1],
    ['expf', -0, 1],
    ['expf', infinity, infinity],
    ['expf', -infinity, 0],
    ['expf', 1e-45, 1],
    ['expf', Math.fround(88.72283), Math.fround(3.40279851e38)],
    ['expf', Math.fround(88.72284), infinity],
    ['expf', Math.fround(-103.27893), 2 ** -149],
    ['expf', -104, 0],
    ['expm1', -0, -0],
    ['expm1', infinity, infinity],
    ['expm1', -infinity, -1],
    ['expm1', 5e-324, 5e-324],
    ['log', 0, -infinity],
    ['log', -0, -infinity],
    ['log', 1, 0],
    ['log', -1, nan],
    ['log', infinity, infinity],
    ['log1p', -0, -0],
    ['log1p', -1, -infinity],
    ['log1p', -1.5, nan],
    ['log1p', infinity, infinity],
    ['log1p', 5e-324, 5e-324],
    ['sin', -0, -0],
    ['sin', infinity, nan],
    ['sin', -infinity, nan],
    ['sin', 5e-324, 5e-324],
    ['cos', 0, 1],
    ['cos', infinity, nan],
    ['cos', -infinity, nan],
    ['tanh', -0, -0],
    ['tanh', infinity, 1],
    ['tanh', -infinity, -1],
    ['tanh', 5e-324, 5e-324],
    ['erf', -0, -0],
    ['erf', infinity, 1],
    ['erf', -infinity, -1],
    ['erf', 5e-324, 5e-324],
    ['sigmoid', infinity, 1],
    ['sigmoid', -infinity, 0],
    ['sigmoid', 0, 0.5],
    ['silu', -0, -0],
    ['silu', infinity, infinity],
    ['silu', -1000, -0],
    ['gelu', -0, -0],
    ['gelu', infinity, infinity],
    ['gelu', -1000, -0],
    ['mish', -0, -0],
    ['mish', infinity, infinity],
    ['mish', -1000, -0],
  ];
  it.each(oneArgument)('%s(%d) = %d', (name, x, result) => {
    expect((math[name] as (x: number) => number)(x)).toBe(result);
  });

  it('NaN stays NaN', () => {
    for (const f of Object.values(math)) if (typeof f === 'function') expect(f(NaN, 2)).toBeNaN();
  });

  const powers: readonly (readonly [number, number, number])[] = [
    [2, 0, 1],
    [nan, 0, 1],
    [1, infinity, 1],
    [2, nan, nan],
    [-8, 1 / 3, nan],
    [-2, 3, -8],
    [-2, -2, 0.25],
    [0, 2, 0],
    [0, -1, infinity],
    [-0, 3, -0],
    [-0, -3, -infinity],
    [-0, 2, 0],
    [infinity, -1, 0],
    [-infinity, 3, -infinity],
    [-infinity, -3, -0],
    [-infinity, 0.5, infinity],
    [2, 1024, infinity],
    [2, -1074, 2 ** -1074],
    [2, -1080, 0],
    [0.5, infinity, 0],
    [3, 1e300, infinity],
  ];
  it.each(powers)('pow(%d, %d) = %d', (x, y, result) => {
    expect(math.pow(x, y)).toBe(result);
  });
});

describe('laws', () => {
  const anyDouble = fc.double({ noNaN: true, noDefaultInfinity: true });
  it('odd and even functions are so, bit for bit', () => {
    fc.assert(
      fc.property(anyDouble, (x) => {
        for (const odd of [math.sin, math.tanh, math.erf]) expect(odd(-x)).toBe(-odd(x));
        expect(math.cos(-x)).toBe(math.cos(x));
      }),
      { numRuns: 1000 },
    );
  });

  it('sin² + cos² = 1 and sin and cos stay within ±1, for all angles', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        const [s, c] = [math.sin(x), math.cos(x)];
        expect(Math.max(Math.abs(s), Math.abs(c))).toBeLessThanOrEqual(1);
        expect(Math.abs(s * s + c * c - 1)).toBeLessThan(2 ** -51);
      }),
      { numRuns: 1000 },
    );
  });

  it('exp and log undo each other', () => {
    fc.assert(
      fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
        // exp(x) is rounded, which moves its logarithm by up to an ulp of 1.
        expect(Math.abs(math.log(math.exp(x)) - x)).toBeLessThanOrEqual(2 ** -52 + ulpOf(x, 'f64'));
      }),
      { numRuns: 1000 },
    );
  });
});
