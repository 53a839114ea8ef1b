import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as math from '../../src/tensor/math/index.ts';
import { thorough } from '../thorough.ts';
import { ulpOf } from './goldens.ts';

/** The results are those of the hash; how far they are from the truth is told by every fourth where CI does not ask. */
const COMPARED = thorough ? 1 : 4;

/** Every 4099th float32 of all 2³², from +0 over the NaNs to −NaN: more than a million. */
const STRIDE = 4099;
const sampledFloats = ((): Float32Array => {
  const bits = new Uint32Array(Math.floor(2 ** 32 / STRIDE));
  for (let i = 0; i < bits.length; i++) bits[i] = i * STRIDE;
  return new Float32Array(bits.buffer);
})();

/**
 * [function, its double precision twin as truth, greatest error in ulps, SHA-256 of its results on `sampledFloats`].
 * The results with these hashes were also compared with MPFR, point by point.
 */
const FLOAT_FUNCTIONS: readonly (readonly [keyof typeof math, (x: number) => number, number, string])[] = [
  ['expf', math.exp, 0.952, '55d3b774303120635d7a3deb2ac6157ca5797e468100dba9434750b39ac56a16'],
  ['logf', math.log, 0.5001, 'eabbb07f9dce9d4f5d2694a8bba9c2132b25fa03bfb18a1f3a57c7c338caa3a8'],
  ['sinf', math.sin, 0.5001, '9a2ba49306ef97807dcf088d602d85ad14c6eef60e78742730522476bd1ad4b0'],
  ['cosf', math.cos, 0.5001, '1689e89161080c799816d5af4e8aceeb1a3fadf561d5f8623f1f896495c092b9'],
  ['tanhf', math.tanh, 0.5001, '944a969244b77fd03dc0c9e098c1b3264a9e0e54f88ce6c16ca52aa73fe6680f'],
  ['erff', math.erf, 0.5001, '4bf8048f41e432ff3f8eab05dd52cf1ab8702212c18bea2850b69508ecc4905b'],
  [
    'siluf',
    (x) => (x < -88.72 ? -0 : math.silu(x)),
    2.41,
    'e0e97ab36b3c17cd064638d30aaf99b570bb332fb7057e715bcdd02636d4f76f',
  ],
  ['geluf', math.gelu, 0.5001, 'e30f73894ac75e3838fdd6fe01a8b1e1366fc5d41050db0f3ee46b8e678d1f9d'],
  ['mishf', math.mish, 0.5001, '580a48516a7f879777e74e404168edc336af8d9110f355f6ab94ded747f2662d'],
];

describe('float32 on a million points of the whole range', () => {
  it.each(FLOAT_FUNCTIONS)('%s', (name, truth, bound, hash) => {
    const f = Object.entries(math).find(([key]) => key === name)?.[1] as (x: number) => number;
    const results = new Float32Array(sampledFloats.length);
    let worst = 0;
    let strange = 0; // a NaN, an infinity or a rounded number where the other has none
    for (let i = 0; i < results.length; i++) {
      const ours = f(sampledFloats[i]);
      results[i] = Number.isNaN(ours) ? NaN : ours;
      if (i % COMPARED !== 0) continue;
      const exact = truth(sampledFloats[i]);
      if (Number.isNaN(ours) || !Number.isFinite(Math.fround(exact))) {
        if (!Object.is(ours, Math.fround(exact))) strange++;
      } else {
        worst = Math.max(worst, Math.abs(ours - exact) / ulpOf(exact, 'f32'));
      }
    }
    expect(strange).toBe(0);
    expect(worst).toBeLessThanOrEqual(bound);
    expect(createHash('sha256').update(new Uint8Array(results.buffer)).digest('hex')).toBe(hash);
  });

  it('expf gives float32 numbers, never anything between', () => {
    const between = sampledFloats.filter(
      (x, i) => i % 101 === 0 && !Object.is(math.expf(x), Math.fround(math.expf(x))),
    );
    expect([...between]).toEqual([]);
  });

  it('expf never falls: from each float32 to the next, around random points', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x42d00000 - 2000 }), fc.boolean(), (start, negative) => {
        const sign = negative ? 0x80000000 : 0;
        const bits = Uint32Array.from({ length: 2001 }, (_, i) => start + i + sign);
        const points = new Float32Array(bits.buffer);
        const values = Float64Array.from(points, math.expf);
        for (let i = 0; i < 2000; i++) {
          if (negative ? values[i + 1] > values[i] : values[i + 1] < values[i])
            throw new Error(`not monotone at ${points[i]}`);
        }
      }),
    );
  });
});
