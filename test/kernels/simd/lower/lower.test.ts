/** Steps of whole programs: what the plain loops do, what is never copied, and that memory lives long enough. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gradient } from '../../../../src/kernels/gradients/gradient.ts';
import { sumOverAll } from '../../../../src/kernels/gradients/sums.ts';
import type { Kernels, Program } from '../../../../src/kernels/kernels.ts';
import { placesOf } from '../../../../src/kernels/simd/lower/step-list.ts';
import type { Tensor } from '../../../../src/tensor/tensor.ts';
import { even, noise, seeds } from '../support.ts';
import { lowered, stepsOf } from './lowered.ts';

const [weight, square, scale] = [noise([4, 4, 3, 3], 1), noise([4, 4], 2), noise([4], 3)];
const picture = [2, 4, 6, 6];

describe('steps', () => {
  test('a group norm takes its SiLU along, but no other activation, and none of which the norm is an output', () => {
    const program =
      (activation: 'silu' | 'gelu', shown: boolean): Program =>
      (k, { x }) => {
        const normed = k.groupNorm(x, 2, scale, scale, 1e-5);
        return { out: k.activation(normed, activation), ...(shown && { normed }) };
      };
    expect(stepsOf(program('silu', false), { x: picture })).toEqual(['groupNorm+silu 4@6×6']);
    expect(stepsOf(program('silu', true), { x: picture })).toEqual(['groupNorm 4@6×6', 'silu']);
    expect(stepsOf(program('gelu', false), { x: picture })).toEqual(['groupNorm 4@6×6', 'gelu']);
  });

  test('a derivative takes the multiplication along by which a gradient comes through, where it is there', () => {
    const program: Program = (k, { x, g }) => ({ out: k.multiply(g, k.activationDerivative(x, 'silu')) });
    expect(stepsOf(program, { x: picture, g: picture })).toEqual(['silu derivative']);
    const later: Program = (k, { x, g }) => {
      const derived = k.activationDerivative(x, 'silu');
      return { out: k.multiply(k.affine(g, 2, 0), derived), ofChannels: k.activationDerivative(g, 'gelu') };
    };
    expect(stepsOf(later, { x: picture, g: picture })).toEqual([
      'silu derivative',
      'affine',
      'multiply',
      'gelu derivative',
    ]);
  });

  test('the way back through a group norm is one step, with what weight and bias get, and the SiLU behind it', () => {
    const loss =
      (shown: boolean): Program =>
      (k, { x, w, b }) => {
        const normed = k.groupNorm(x, 2, w, b, 1e-5);
        return { loss: sumOverAll(k, k.activation(normed, 'silu')), ...(shown && { normed }) };
      };
    const inputs = { x: picture, w: [4], b: [4] };
    const ofNorm = (program: Program, names: readonly string[]): readonly string[] =>
      stepsOf(gradient(program, 'loss', names), inputs).filter((name) => /norm|silu|derivative/i.test(name));
    const together = ['groupNorm+silu 4@6×6', 'groupNormGradient+silu 4@6×6'];
    expect(ofNorm(loss(false), ['x', 'w', 'b'])).toEqual(together);
    expect(ofNorm(loss(true), ['x', 'w', 'b'])).toEqual(['groupNorm 4@6×6', 'silu', together[1]]);
    expect(ofNorm(loss(false), ['b'])).toEqual([
      'groupNorm 4@6×6',
      'silu',
      'silu derivative',
      'groupNormGradient 4@6×6',
    ]);
  });

  test('the way back through attention is one step, and makes no map, unless somebody else reads one', () => {
    const loss =
      (shown: boolean): Program =>
      (k, { q, v }) => ({
        loss: sumOverAll(k, k.attention(q, v, v, 2, 0.5)),
        ...(shown && { map: k.attentionMap(q, v, 2, 0.5) }),
      });
    const inputs = { q: [2, 6, 8], v: [2, 5, 8] };
    const ofAttention = (shown: boolean): readonly string[] =>
      stepsOf(gradient(loss(shown), 'loss', ['q', 'v']), inputs).filter((name) => /attention/i.test(name));
    expect(ofAttention(false)).toEqual(['attention 2×6×4', 'attentionGradient 2×6×4']);
    expect(ofAttention(true)).toHaveLength(6);
  });

  test('norms and doubled pictures are written with the border that the only convolution wants', () => {
    const program: Program = (k, { x }) => {
      const normed = k.groupNorm(x, 2, scale, scale, 1e-5);
      return {
        out: k.conv2d(k.upsampleNearest2x(k.conv2d(normed, weight, undefined, 1, even)), weight, scale, 1, even),
      };
    };
    expect(stepsOf(program, { x: picture })).toEqual([
      'groupNorm 4@6×6',
      'conv 3×3 4→4 @6×6',
      'upsampleNearest2x',
      'conv 3×3 4→4 @12×12',
    ]);
    const twoBorders: Program = (k, { x }) => {
      const normed = k.groupNorm(x, 2, scale, scale, 1e-5);
      const left = { ...even, left: 2 };
      return { a: k.conv2d(normed, weight, scale, 1, even), b: k.conv2d(normed, weight, scale, 1, left) };
    };
    expect(stepsOf(twoBorders, { x: picture })).toEqual([
      'groupNorm 4@6×6',
      'border',
      'conv 3×3 4→4 @6×6',
      'border',
      'conv 3×3 4→4 @6×7',
    ]);
  });

  test('products with weights that are computed, or cut by their outputs, pack them when they run', () => {
    const computed: Program = (k, { x, w }) => ({ out: k.conv2d(x, w, undefined, 1, even) });
    const packed = ['border', 'pack', 'conv 3×3 4→4 @6×6'];
    expect(stepsOf(computed, { x: picture, w: [4, 4, 3, 3] })).toEqual(packed);
    const cut = (slice: (k: Kernels) => Tensor): Program => {
      return (k, { x }) => ({ out: k.conv2d(x, slice(k), undefined, 1, even) });
    };
    const fewOutputs = cut((k) => k.sliceBatch(weight, 1, 3));
    expect(stepsOf(fewOutputs, { x: picture })).toEqual(['border', 'pack', 'conv 3×3 4→2 @6×6']);
    const fewInputs = cut((k) => k.sliceChannels(weight, 1, 3));
    expect(stepsOf(fewInputs, { x: [2, 2, 6, 6] })).toEqual(['border', 'conv 3×3 2→4 @6×6']);
    const doubled: Program = (k, { x }) => ({ out: k.upsampleConv2d(x, k.sliceChannels(weight, 1, 3), undefined) });
    expect(stepsOf(doubled, { x: [2, 2, 6, 6] })).toEqual([
      'border',
      'copy',
      'phaseWeights',
      'pack',
      'conv 2×2 2→4 @12×12',
    ]);
  });

  test('a weight is packed once for all who read it, and its transpose without being made', () => {
    const twice: Program = (k, { x, w }) => ({
      out: k.conv2d(k.conv2d(x, w, undefined, 1, even), w, undefined, 1, even),
    });
    const conv = 'conv 3×3 4→4 @6×6';
    expect(stepsOf(twice, { x: picture, w: [4, 4, 3, 3] })).toEqual(['border', 'pack', conv, 'border', conv]);
    const transposed =
      (shown: boolean): Program =>
      (k, { x, w }) => {
        const back = k.transposeWeight(w);
        return { out: k.conv2d(x, back, undefined, 1, even), ...(shown && { back }) };
      };
    expect(stepsOf(transposed(false), { x: picture, w: [4, 4, 3, 3] })).toEqual(['border', 'pack', conv]);
    expect(stepsOf(transposed(true), { x: picture, w: [4, 4, 3, 3] })).toEqual([
      'transposeWeight',
      'border',
      'pack',
      conv,
    ]);
  });

  test('slices, tokens and joined parts are never copied, but for inputs and what is joined twice', () => {
    const views: Program = (k, { x }) => {
      const tokens = k.toTokens(k.affine(k.sliceBatch(x, 1, 2), 2, 0));
      return { out: k.affine(k.sliceChannels(k.fromTokens(tokens, 6, 6), 1, 3), 3, 0) };
    };
    expect(stepsOf(views, { x: picture })).toEqual(['affine', 'affine']);
    const joined: Program = (k, { x, y }) => ({
      channels: k.concatChannels(k.affine(x, 2, 0), k.affine(y, 3, 0)),
      batch: k.concatBatch([k.affine(x, 4, 0), k.affine(y, 5, 0)]),
    });
    expect(stepsOf(joined, { x: picture, y: picture })).toEqual(['affine', 'affine', 'affine', 'affine']);
    const twice: Program = (k, { x, y }) => {
      const part = k.affine(x, 2, 0);
      return { a: k.concatBatch([part, y]), b: k.concatBatch([part, part]) };
    };
    expect(stepsOf(twice, { x: picture, y: picture })).toEqual(['affine', 'copy', 'copy', 'copy']);
    const withItself: Program = (k, { x }) => {
      const part = k.affine(x, 2, 0);
      return { batch: k.concatBatch([part, part]) };
    };
    expect(stepsOf(withItself, { x: picture })).toEqual(['affine', 'copy']);
  });
});

describe('multiplications', () => {
  test('of the steps are those of the operations', () => {
    const tokens = [2, 36, 4];
    const programs: Readonly<Record<string, Program>> = {
      'conv2d, of 3 × 3 and of single pixels': (k, { x }) => ({
        a: k.conv2d(x, weight, scale, 1, even),
        b: k.conv2d(x, noise([5, 4, 1, 1], 4), undefined, 2, { ...even, top: 0 }),
      }),
      upsampleConv2d: (k, { x }) => ({ y: k.upsampleConv2d(x, weight, scale) }),
      'linear, on rows and on planes': (k, { x, t }) => ({
        a: k.linear(t, square, scale),
        b: k.linear(k.toTokens(x), square, scale),
      }),
      attention: (k, { t }) => ({ y: k.attention(t, t, t, 2, 0.5) }),
      'attention by its map': (k, { t }) => ({ y: k.applyAttentionMap(k.attentionMap(t, t, 2, 0.5), t) }),
      none: (k, { x }) => ({ y: k.groupNorm(k.affine(x, 2, 1), 2, scale, scale, 1e-5) }),
    };
    const shapes = { x: picture, t: tokens };
    const counts = Object.entries(programs).map(([name, program]) => [
      name,
      lowered(program, shapes).steps.reduce((sum, { products }) => sum + products, 0),
    ]);
    expect(Object.fromEntries(counts)).toEqual({
      'conv2d, of 3 × 3 and of single pixels': 2 * 36 * 4 * 4 * 9 + 2 * 4 * 4 * 5 * 4,
      upsampleConv2d: 2 * 144 * 4 * 4 * 4,
      'linear, on rows and on planes': 2 * (2 * 36 * 4 * 4),
      attention: 2 * (2 * 36 * 36 * 4),
      'attention by its map': 2 * (2 * 36 * 36 * 4),
      none: 0,
    });
  });
});

describe('memory', () => {
  /** Operations on pictures of one shape, which they keep; `s` has a number for each channel. */
  const operations: readonly ((k: Kernels, a: Tensor, b: Tensor, s: Tensor) => Tensor)[] = [
    (k, a) => k.conv2d(a, weight, scale, 1, even),
    (k, a, b) => k.add(k.conv2d(a, weight, undefined, 1, even), b),
    (k, a) => k.activation(k.groupNorm(a, 2, scale, scale, 1e-5), 'silu'),
    (k, a) => k.averagePool2x(k.upsampleNearest2x(a)),
    (k, a) => k.averagePool2x(k.upsampleConv2d(a, weight, scale)),
    (k, a, b) => k.add(a, b),
    (k, a, b, s) => k.conv2d(k.add(a, b), weight, s, 1, even),
    (k, a, b) => {
      const [q, key] = [k.linear(k.toTokens(a), square, scale), k.toTokens(b)];
      return k.fromTokens(k.attention(q, key, key, 2, 0.5), 6, 6);
    },
    (k, a, b) => {
      const [q, v] = [k.toTokens(a), k.linear(k.toTokens(b), square, undefined)];
      return k.fromTokens(k.applyAttentionMap(k.attentionMap(q, v, 2, 0.5), v), 6, 6);
    },
    (k, a) => k.fromTokens(k.layerNorm(k.toTokens(a), scale, scale, 1e-5), 6, 6),
    (k, a, b) => k.sliceChannels(k.concatChannels(a, k.affine(b, 2, 1)), 2, 6),
    (k, a, b) => k.sliceBatch(k.concatBatch([k.affine(a, 2, 1), b]), 1, 3),
  ];

  test('lives from the step that writes it to the last one that reads it, and inputs and outputs to either end', () => {
    const choices = fc.array(fc.tuple(fc.nat({ max: operations.length - 1 }), seeds, seeds), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(choices, (chosen) => {
        const program: Program = (k, { x, y, s }) => {
          const made: Tensor[] = [x, y];
          for (const [which, i, j] of chosen) {
            const [a, b] = [made[i % made.length], made[j % made.length]];
            made.push(operations[which](k, a, b, s));
          }
          return { out: made[made.length - 1], other: made[chosen[0][1] % made.length] };
        };
        const { steps, buffers, inputs, outputs } = lowered(program, { x: picture, y: picture, s: [4] });
        for (const [i, step] of steps.entries())
          for (const { buffer } of placesOf(step)) {
            if (!buffer) continue;
            expect(buffers).toContain(buffer);
            expect(buffer.first).toBeLessThanOrEqual(i);
            expect(buffer.last).toBeGreaterThanOrEqual(i);
          }
        for (const { place } of inputs) expect(place.buffer?.first).toBe(0);
        for (const { place } of outputs) expect(place.buffer?.last).toBe(steps.length);
      }),
      { numRuns: 100 },
    );
  });
});
