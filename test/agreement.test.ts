/** The rule itself: what it lets pass and what it does not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cast } from '../src/tensor/rounding.ts';
import { tensor, type Tensor } from '../src/tensor/tensor.ts';
import { disagreement } from './agreement.ts';

const values = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 8, maxLength: 40 });
const double = (data: readonly number[]): Tensor => tensor('f64', [data.length], Float64Array.from(data));
const single = (data: readonly number[]): Tensor => cast(double(data), 'f32');

describe('agreement', () => {
  it('is given by the nearest float32, and by the truth', () => {
    fc.assert(
      fc.property(values, (data) => {
        const golden = { single: single(data), truth: double(data) };
        expect(disagreement(single(data), golden)).toBeUndefined();
        expect(disagreement(double(data), golden)).toBeUndefined();
      }),
    );
  });

  it('is not given by NaN, by a single wrong value, or by another shape', () => {
    fc.assert(
      fc.property(values, fc.nat(), (data, at) => {
        const golden = { single: single([...data, 1]), truth: double([...data, 1]) };
        const index = at % data.length;
        for (const make of [single, double]) {
          for (const wrong of [NaN, Infinity, data[index] + 1e-3]) {
            expect(disagreement(make([...data.slice(0, index), wrong, ...data.slice(index + 1), 1]), golden)).toMatch(
              /is off by/,
            );
          }
          expect(disagreement(make(data), golden)).toMatch(/shape/);
        }
        expect(disagreement(undefined, golden)).toBe('is missing');
      }),
    );
  });

  it('asks float32 to be twice as near as PyTorch, or within four ulps', () => {
    const truth = double(Array.from({ length: 16 }, () => 1));
    const off = (ulps: number): Tensor => single(Array.from({ length: 16 }, () => 1 + ulps * 2 ** -23));
    expect(disagreement(off(4), { single: off(0), truth })).toBeUndefined();
    expect(disagreement(off(5), { single: off(0), truth })).toMatch(/rms/);
    expect(disagreement(off(24), { single: off(10), truth })).toBeUndefined();
    expect(disagreement(off(25), { single: off(10), truth })).toMatch(/rms/);
  });

  it('asks float64 for 10⁻¹², or for as much as the operation allows', () => {
    const truth = double([1, -1]);
    const golden = { single: single([1, -1]), truth };
    expect(disagreement(double([1 + 9e-13, -1]), golden)).toBeUndefined();
    expect(disagreement(double([1 + 2e-12, -1]), golden)).toMatch(/max/);
    expect(disagreement(double([1 + 2e-12, -1]), { single: single([1.001, -1]), truth })).toBeUndefined();
  });
});
