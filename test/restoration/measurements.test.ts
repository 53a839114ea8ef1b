/** Measurements: by hand, and the law that what is handed back is the transpose of what is measured. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measure, measureBack, type Measurement } from '../../src/restoration/measurement.ts';
import {
  everything,
  gaussianBlur,
  inpainting,
  motionBlur,
  superResolution,
} from '../../src/restoration/measurements.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { tensor, zeros, type Tensor } from '../../src/tensor/tensor.ts';

const size = [8, 12] as const;
const hidden = tensor(
  'f32',
  [1, 1, 8, 12],
  Float32Array.from({ length: 96 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
);
const all: readonly Measurement[] = [
  everything,
  inpainting('inpaint', hidden),
  superResolution(4),
  superResolution(1),
  gaussianBlur(0.7),
  gaussianBlur(1.9),
  motionBlur(5),
  motionBlur(1),
];
const picture = (seed: number, shape: readonly number[]): Tensor => manualSeed(seed).randn(shape, 'f64');
const dot = (a: Tensor, b: Tensor): number => [...a.data].reduce((sum, value, i) => sum + value * b.data[i], 0);
const line = (...values: readonly number[]): Tensor =>
  tensor('f64', [1, 1, 1, values.length], Float64Array.from(values));

describe.each(all)('the measurement $name', (measurement) => {
  it('is linear, and is handed back by its transpose: ⟨A x, y⟩ = ⟨x, Aᵀ y⟩', () =>
    fc.assert(
      fc.property(fc.nat(), (from) => {
        const x = picture(from, [2, 3, ...size]);
        const ax = measure(measurement, x);
        const y = picture(from + 1, ax.shape);
        expect(ax.shape).toEqual([2, 3, ...measurement.sizeOf(size)]);
        const [there, back] = [dot(ax, y), dot(x, measureBack(measurement, y, size))];
        expect(Math.abs(there - back)).toBeLessThan(1e-11 * Math.sqrt(dot(ax, ax) * dot(y, y)));
      }),
      { numRuns: 20 },
    ));

  it('measures samples and channels apart', () => {
    const x = picture(3, [2, 2, ...size]);
    const whole = measure(measurement, x).data;
    const one = measure(measurement, tensor('f64', [1, 1, ...size], x.data.slice(96, 192))).data;
    expect(whole.slice(one.length, 2 * one.length)).toEqual(one);
  });
});

describe('measurements', () => {
  it('keep what is flat, but for what is hidden', () => {
    const flat = tensor('f64', [1, 1, ...size], new Float64Array(96).fill(0.3));
    for (const measurement of [everything, superResolution(4), gaussianBlur(1.3), motionBlur(7)])
      for (const value of measure(measurement, flat).data) expect(value).toBeCloseTo(0.3, 14);
    const seen = measure(inpainting('inpaint', hidden), flat).data;
    expect([...seen.slice(0, 4)]).toEqual([0, 0.3, 0.3, 0]);
  });

  it('are these, by hand', () => {
    const two = tensor('f64', [1, 1, 2, 2], Float64Array.of(1, 2, 3, 6));
    expect(measure(superResolution(2), two).data[0]).toBe(3);
    expect([...measureBack(superResolution(2), tensor('f64', [1, 1, 1, 1], Float64Array.of(8)), [2, 2]).data]).toEqual([
      2, 2, 2, 2,
    ]);
    // Along the diagonal, mirrored at the edges: what lies beyond the last column is the one before it.
    const three = tensor('f64', [1, 1, 3, 3], Float64Array.of(0, 0, 0, 0, 3, 0, 0, 0, 6));
    expect([...measure(motionBlur(3), three).data]).toEqual([2, 0, 2, 0, 3, 0, 2, 0, 4]);
  });

  it.each([
    [
      'a picture whose sides are no multiples',
      () => measure(superResolution(4), zeros('f32', [1, 1, 6, 8])),
      'no squares of 4 × 4',
    ],
    [
      'a picture that a blur reaches across',
      () => measure(motionBlur(9), zeros('f32', [1, 1, 4, 8])),
      'pictures of more than 4',
    ],
    [
      'a mask of another size',
      () => measure(inpainting('m', hidden), zeros('f32', [1, 1, 4, 4])),
      'the mask is 8 × 12',
    ],
    [
      'a mask of another height',
      () => measure(inpainting('m', hidden), zeros('f32', [1, 1, 4, 12])),
      'the mask is 8 × 12, but the picture 4 × 12',
    ],
    [
      'a mask of another width',
      () => measure(inpainting('m', hidden), zeros('f32', [1, 1, 8, 4])),
      'the mask is 8 × 12, but the picture 8 × 4',
    ],
    [
      'a picture whose width is no multiple',
      () => measure(superResolution(4), zeros('f32', [1, 1, 8, 6])),
      'no squares of 4 × 4',
    ],
    ['a mask of another shape', () => inpainting('m', zeros('f32', [1, 3, 4, 4])), 'must be [1,1,H,W]'],
    ['a line', () => measure(everything, zeros('f32', [4])), 'the picture has shape [4]; it must be [B,C,H,W]'],
    ['what was measured of another', () => measureBack(superResolution(2), line(1, 2), [4, 8]), 'sr2 measures 2 × 4'],
    ['an even length', () => motionBlur(4), 'the length is 4; it must be odd'],
    ['no σ', () => gaussianBlur(0), 'sigma is 0'],
    ['no factor', () => superResolution(0), 'the factor is 0'],
  ])('refuse %s', (_what, wrong, message) => {
    expect(wrong).toThrow(InputError);
    expect(wrong).toThrow(message);
  });
});
