/**
 * What holds for the kernels, whoever implements them: one body of tests for the plain loops and for the fast ones.
 * All equalities are of bits unless a test says otherwise.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Activation, Backend, Kernels, Tensors } from '../../src/kernels/kernels.ts';
import { gelu, geluf, mish, mishf, silu, siluf } from '../../src/tensor/math/index.ts';
import { cast, roundTo } from '../../src/tensor/rounding.ts';
import { allocate, reshape, sizeOf, tensor, zeros, type DType, type Tensor } from '../../src/tensor/tensor.ts';
import {
  attentions,
  convolutions,
  doubledConvolutions,
  extent,
  joinedConvolutions,
  pictures,
  shapes,
  tensors,
  type Values,
} from './arbitraries.ts';
import { expectSameBits } from './bits.ts';
import * as definitions from './definitions.ts';

const RUNS = { numRuns: 40 };
const EPS = 1e-5;
/** The greatest relative error of one rounding. */
const UNIT: Readonly<Record<DType, number>> = { f64: 2 ** -53, f32: 2 ** -24, f16: 2 ** -11, bf16: 2 ** -8 };
const NO_PADDING = { top: 0, bottom: 0, left: 0, right: 0 };
const ACTIVATIONS: readonly Activation[] = ['silu', 'gelu', 'mish', 'relu'];

/** Declares the tests of `backend` for one dtype. */
export function describeLaws(backend: Backend, dtype: DType): void {
  /** One kernel, or a few, as a program: inputs are handed over, weights are what `body` closes over. */
  const compute = <In extends Tensors>(inputs: In, body: (kernels: Kernels, inputs: In) => Tensor): Tensor =>
    backend.run((kernels, given) => ({ out: body(kernels, given as In) }), inputs).out;
  const holds = <T>(arbitrary: fc.Arbitrary<T>, law: (value: T) => void): void =>
    fc.assert(fc.property(arbitrary, law), RUNS);
  const both = (test: (values: Values) => void): void => (['moderate', 'any'] as const).forEach(test);

  describe(`${backend.name} kernels, ${dtype}: the definitions, bit for bit`, () => {
    it('conv2d', () =>
      both((values) =>
        holds(convolutions(dtype, values), (choice) => {
          const { x, weight, bias, stride, padding } = choice;
          expectSameBits(
            compute({ x }, (k, { x }) => k.conv2d(x, weight, bias, stride, padding)),
            definitions.conv2d(choice),
          );
        }),
      ));

    it('conv2d of more channels than a run of the sum takes', () =>
      holds(rows([2, 70, 2, 3], [3, 70, 2, 1]), ([x, weight]) => {
        const choice = { x, weight, bias: undefined, stride: 1, padding: { top: 0, bottom: 1, left: 0, right: 0 } };
        expectSameBits(
          compute({ x }, (k, { x }) => k.conv2d(x, weight, undefined, 1, choice.padding)),
          definitions.conv2d(choice),
        );
      }));

    it('conv2d of two pictures, joined', () =>
      both((values) =>
        holds(joinedConvolutions(dtype, values), (choice) => {
          const { x, weight, bias, stride, padding, seam } = choice;
          expectSameBits(
            compute({ x }, (k, { x }) => k.joinedConv2d(x, weight, bias, stride, padding, seam)),
            definitions.conv2d(choice),
          );
        }),
      ));

    it('upsampleConv2d', () =>
      both((values) =>
        holds(doubledConvolutions(dtype, values), ({ x, weight, bias }) => {
          expectSameBits(
            compute({ x }, (k, { x }) => k.upsampleConv2d(x, weight, bias)),
            definitions.upsampleConv2d(x, weight, bias),
          );
        }),
      ));

    it('linear', () =>
      both((values) =>
        holds(linears(values), ({ x, weight, bias }) => {
          expectSameBits(
            compute({ x }, (k, { x }) => k.linear(x, weight, bias)),
            definitions.linear(x, weight, bias),
          );
        }),
      ));

    it('groupNorm', () =>
      both((values) =>
        holds(groupNorms(values), ({ x, groups, weight, bias }) => {
          expectSameBits(
            compute({ x }, (k, { x }) => k.groupNorm(x, groups, weight, bias, EPS)),
            definitions.groupNorm(x, groups, weight, bias, EPS),
          );
        }),
      ));

    it('layerNorm', () =>
      both((values) =>
        holds(layerNorms(values), ({ x, weight, bias }) => {
          expectSameBits(
            compute({ x }, (k, { x }) => k.layerNorm(x, weight, bias, EPS)),
            definitions.layerNorm(x, weight, bias, EPS),
          );
        }),
      ));

    it('softmax', () =>
      both((values) =>
        holds(
          shapes(4, 40).chain((shape) => tensors(dtype, shape, values)),
          (x) => {
            expectSameBits(
              compute({ x }, (k, { x }) => k.softmax(x)),
              definitions.softmax(x),
            );
          },
        ),
      ));

    it('attention and its two halves', () =>
      both((values) =>
        holds(attentions(dtype, values), (choice) => {
          const { q, k: key, v, heads, scale } = choice;
          const map = definitions.attentionMap(choice);
          const mixed = definitions.applyAttentionMap(map, v);
          expectSameBits(
            compute({ q, key }, (k, { q, key }) => k.attentionMap(q, key, heads, scale)),
            map,
          );
          expectSameBits(
            compute({ map, v }, (k, { map, v }) => k.applyAttentionMap(map, v)),
            mixed,
          );
          expectSameBits(
            compute({ q, key, v }, (k, { q, key, v }) => k.attention(q, key, v, heads, scale)),
            mixed,
          );
        }),
      ));

    it('attention of heads with more channels than a run of the sum takes', () =>
      holds(rows([1, 3, 70], [1, 5, 70], [1, 5, 70]), ([q, key, v]) => {
        const mixed = definitions.applyAttentionMap(definitions.attentionMap({ q, k: key, heads: 1, scale: 0.125 }), v);
        expectSameBits(
          compute({ q, key, v }, (k, { q, key, v }) => k.attention(q, key, v, 1, 0.125)),
          mixed,
        );
      }));

    it('resampling', () =>
      both((values) =>
        holds(pictures(dtype, values), (x) => {
          expectSameBits(
            compute({ x }, (k, { x }) => k.upsampleNearest2x(x)),
            definitions.upsampleNearest2x(x),
          );
          if (x.shape[2] < 2 || x.shape[3] < 2) return; // a picture without pixels has no law
          expectSameBits(
            compute({ x }, (k, { x }) => k.averagePool2x(x)),
            definitions.averagePool2x(x),
          );
        }),
      ));

    it.each(ACTIVATIONS)('%s', (kind) =>
      both((values) =>
        holds(pictures(dtype, values), (x) => {
          const relu = (value: number): number => (value > 0 || Number.isNaN(value) ? value : 0);
          const f = (dtype === 'f64' ? { silu, gelu, mish, relu } : { silu: siluf, gelu: geluf, mish: mishf, relu })[
            kind
          ];
          expectSameBits(
            compute({ x }, (k, { x }) => k.activation(x, kind)),
            definitions.pairwise(x, x, f),
          );
        }),
      ),
    );

    it('arithmetic, a number per element or per channel', () =>
      both((values) =>
        holds(pairs(values), ({ a, b, perChannel }) => {
          const round = definitions.rounding(dtype);
          for (const other of [b, perChannel]) {
            expectSameBits(
              compute({ a, other }, (k, { a, other }) => k.add(a, other)),
              definitions.pairwise(a, other, (x, y) => x + y),
            );
            expectSameBits(
              compute({ a, other }, (k, { a, other }) => k.multiply(a, other)),
              definitions.pairwise(a, other, (x, y) => x * y),
            );
          }
          expectSameBits(
            compute({ a, b }, (k, { a, b }) => k.subtract(a, b)),
            definitions.pairwise(a, b, (x, y) => x - y),
          );
          for (const [factor, offset] of [
            [0.1, 0.7],
            [-0, -0],
            [1, Infinity],
            [3, 1e-42],
          ]) {
            expectSameBits(
              compute({ a }, (k, { a }) => k.affine(a, factor, offset)),
              definitions.pairwise(a, a, (x) => round(x * round(factor)) + round(offset)),
            );
            expectSameBits(
              compute({ a }, (k, { a }) => k.divide(a, factor)),
              definitions.pairwise(a, a, (x) => x / round(factor)),
            );
          }
        }),
      ));
  });

  describe(`${backend.name} kernels, ${dtype}: laws`, () => {
    it('a batch is its samples one by one, for every kernel', () =>
      holds(
        fc.tuple(pairs('any'), tensors(dtype, [5], 'any'), tensors(dtype, [3, 5, 2, 2], 'any')),
        ([{ a, b }, numbers, filter]) => {
          const [batch, channels, height, width] = a.shape;
          const perChannel = cut(numbers, [channels]);
          const weight = cut(filter, [3, channels, 2, 2]);
          const padding = { top: 1, bottom: 0, left: 0, right: 1 };
          const everyKernel = (k: Kernels, a: Tensor, b: Tensor): Record<string, Tensor> => {
            const [tokens, others] = [k.toTokens(a), k.toTokens(b)];
            const map = k.attentionMap(tokens, others, 1, 0.5);
            return {
              tokens,
              map,
              conv2d: k.conv2d(a, weight, undefined, 1, padding),
              linear: k.linear(tokens, reshape(cut(filter, [2, channels]), [2, channels]), undefined),
              groupNorm: k.groupNorm(a, 1, perChannel, perChannel, EPS),
              layerNorm: k.layerNorm(tokens, perChannel, perChannel, EPS),
              softmax: k.softmax(a),
              applied: k.applyAttentionMap(map, tokens),
              attention: k.attention(tokens, others, tokens, 1, 0.5),
              activation: k.activation(a, 'silu'),
              upsampled: k.upsampleNearest2x(a),
              pooled: k.averagePool2x(k.upsampleNearest2x(a)),
              joined: k.concatChannels(a, b),
              sliced: k.sliceChannels(a, channels - 1, channels),
              picture: k.fromTokens(tokens, height, width),
              sum: k.add(a, b),
              difference: k.subtract(a, b),
              product: k.multiply(a, b),
              affine: k.affine(a, 2, 1),
              quotient: k.divide(a, 3),
            };
          };
          const together = backend.run((k, { a, b }) => everyKernel(k, a, b), { a, b });
          const apart = Array.from({ length: batch }, (_, i) =>
            backend.run((k, { a, b }) => everyKernel(k, a, b), { a: sampleOf(a, i), b: sampleOf(b, i) }),
          );
          for (const [name, whole] of Object.entries(together)) {
            const parts = apart.map((outputs) => outputs[name]);
            expectSameBits(
              compute(Object.fromEntries(parts.map((part, i) => [`part${i}`, part])), (k, given) =>
                k.concatBatch(Object.values(given)),
              ),
              whole,
            );
          }
        },
      ));

    it('linear is a convolution with a 1 × 1 kernel', () =>
      holds(linears('any'), ({ x, weight, bias }) => {
        const [rowCount, channels] = x.shape;
        const picture = reshape(x, [rowCount, channels, 1, 1]);
        const filter = reshape(weight, [weight.shape[0], channels, 1, 1]);
        const convolved = compute({ picture }, (k, { picture }) => k.conv2d(picture, filter, bias, 1, NO_PADDING));
        expectSameBits(
          compute({ x }, (k, { x }) => k.linear(x, weight, bias)),
          reshape(convolved, [rowCount, weight.shape[0]]),
        );
      }));

    // Not in f16 and bf16, which round what an operation stores.
    if (dtype === 'f32' || dtype === 'f64')
      it('a convolution of two pictures, joined, is the sum of theirs', () =>
        holds(joinedConvolutions(dtype, 'any'), ({ x, weight, bias, stride, padding, seam }) => {
          const channels = x.shape[1];
          expectSameBits(
            compute({ x }, (k, { x }) => k.joinedConv2d(x, weight, bias, stride, padding, seam)),
            compute({ x }, (k, { x }) =>
              k.add(
                k.conv2d(k.sliceChannels(x, 0, seam), k.sliceChannels(weight, 0, seam), bias, stride, padding),
                k.conv2d(
                  k.sliceChannels(x, seam, channels),
                  k.sliceChannels(weight, seam, channels),
                  undefined,
                  stride,
                  padding,
                ),
              ),
            ),
          );
        }));

    it('padding is a border of zeros', () =>
      holds(convolutions(dtype, 'any'), ({ x, weight, bias, stride, padding }) => {
        const bordered = withBorder(x, padding);
        expectSameBits(
          compute({ x }, (k, { x }) => k.conv2d(x, weight, bias, stride, padding)),
          compute({ bordered }, (k, { bordered }) => k.conv2d(bordered, weight, bias, stride, NO_PADDING)),
        );
      }));

    it('an infinite weight makes NaN where it meets the padding, and only there', () => {
      const x = filled(dtype, [1, 1, 3, 3], 1);
      const weight = filled(dtype, [1, 1, 3, 3], 1);
      weight.data[0] = Infinity;
      const { data } = compute({ x }, (k, { x }) =>
        k.conv2d(x, weight, undefined, 1, { top: 1, bottom: 1, left: 1, right: 1 }),
      );
      expect([...data]).toEqual([NaN, NaN, NaN, NaN, Infinity, Infinity, NaN, Infinity, Infinity]);
    });

    it('a NaN reaches what reads it, and nothing else', () =>
      holds(fc.tuple(linears('moderate'), fc.nat()), ([{ x, weight, bias }, where]) => {
        const [rowCount] = x.shape;
        const poisoned = { ...x, data: x.data.slice() };
        const bad = where % x.data.length;
        poisoned.data[bad] = NaN;
        const clean = compute({ x }, (k, { x }) => k.linear(x, weight, bias));
        const dirty = compute({ poisoned }, (k, { poisoned }) => k.linear(poisoned, weight, bias));
        const badRow = Math.floor(bad / x.shape[1]);
        for (let r = 0; r < rowCount; r++) {
          for (let o = 0; o < weight.shape[0]; o++) {
            const expected = r === badRow ? NaN : definitions.element(clean, r, o);
            expect(definitions.element(dirty, r, o)).toBe(expected);
          }
        }
      }));

    it('groupNorm gives every group mean 0 and variance 1', () =>
      holds(groupNorms('moderate', 2), ({ x: noise, groups }) => {
        const channels = noise.shape[1];
        // Signs alternate and sizes lie in [1, 4], so that each group has a variance of 0.8 or more, eps may be 0, and
        // results lie in [−8, 8].
        const x = {
          ...noise,
          data: noise.data.map((value, i) => Math.max(1, Math.abs(value)) * (i % 2 === 0 ? 1 : -1)),
        };
        const normed = compute({ x }, (k, { x }) =>
          k.groupNorm(x, groups, filled(dtype, [channels], 1), zeros(dtype, [channels]), 0),
        );
        const size = x.data.length / (x.shape[0] * groups);
        // The errors of a number: four roundings of intermediate values up to 8, the rounding of the result, and the
        // sums in double.
        const error = 32 * (dtype === 'f64' ? 2 ** -53 : 2 ** -24) + 8 * UNIT[dtype] + 4 * size * 2 ** -53;
        for (let start = 0; start < x.data.length; start += size) {
          const group = [...normed.data.subarray(start, start + size)];
          const mean = group.reduce((sum, value) => sum + value, 0) / size;
          const variance = group.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
          expect(Math.abs(mean)).toBeLessThanOrEqual(error);
          expect(Math.abs(variance - 1)).toBeLessThanOrEqual(2.5 * error); // 2 · mean|y| · error, and mean|y| ≤ 1
        }
      }));

    // In f64 alone: elsewhere their roundings differ by design.
    if (dtype === 'f64')
      it('layerNorm is groupNorm with one group, up to rounding', () =>
        holds(layerNorms('moderate'), ({ x, weight, bias }) => {
          const [rowCount, channels] = x.shape;
          const byLayer = compute({ x }, (k, { x }) => k.layerNorm(x, weight, bias, EPS));
          const picture = reshape(x, [rowCount, channels, 1, 1]);
          const byGroup = compute({ picture }, (k, { picture }) => k.groupNorm(picture, 1, weight, bias, EPS));
          byLayer.data.forEach((value, i) => expect(Math.abs(value - byGroup.data[i])).toBeLessThan(1e-11));
        }));

    it('the rows of a softmax are weights: not negative, and of sum 1', () =>
      holds(
        shapes(4, 40).chain((shape) => tensors(dtype, shape)),
        (x) => {
          const weights = compute({ x }, (k, { x }) => k.softmax(x));
          const length = x.shape[1];
          for (let row = 0; row < x.data.length; row += length) {
            const values = [...weights.data.subarray(row, row + length)];
            expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
            // The total has at most 3 + 4 roundings in its lanes, the quotient one; what f16 loses of its subnormals is
            // less.
            expect(Math.abs(values.reduce((sum, value) => sum + value, 0) - 1)).toBeLessThanOrEqual(10 * UNIT[dtype]);
          }
        },
      ));

    it('a softmax does not see a shift of its row', () =>
      holds(
        fc.tuple(
          fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 40 }),
          fc.integer({ min: -20, max: 20 }),
        ),
        ([row, shift]) => {
          const numbers = (by: number): Tensor =>
            tensor(
              dtype,
              [row.length],
              allocate(dtype, row.length).map((_, i) => row[i] / 4 + by),
            ); // exact in every dtype
          const [x, shifted] = [numbers(0), numbers(shift)];
          expectSameBits(
            compute({ shifted }, (k, { shifted }) => k.softmax(shifted)),
            compute({ x }, (k, { x }) => k.softmax(x)),
          );
        },
      ));

    it('an identity map leaves the values: V', () =>
      holds(
        fc
          .tuple(extent(2), extent(7), extent(3), extent(4))
          .chain(([b, n, h, d]) => fc.tuple(fc.constant(h), tensors(dtype, [b, n, h * d]))),
        ([heads, v]) => {
          const [batch, count] = v.shape;
          const map = zeros(dtype, [batch, heads, count, count]);
          for (let i = 0; i < map.data.length; i++) map.data[i] = Math.floor(i / count) % count === i % count ? 1 : 0;
          const mixed = compute({ map, v }, (k, { map, v }) => k.applyAttentionMap(map, v));
          // A sum from +0 cannot be −0, so the zeros may differ in sign.
          v.data.forEach((value, i) => expect(mixed.data[i] === value).toBe(true));
        },
      ));

    it('a token alone attends to itself', () =>
      holds(
        fc
          .tuple(extent(3), extent(4))
          .chain(([h, d]) => fc.tuple(fc.constant(h), rows([2, 1, h * d], [2, 1, h * d], [2, 1, h * d]))),
        ([heads, [q, key, v]]) => {
          const mixed = compute({ q, key, v }, (k, { q, key, v }) => k.attention(q, key, v, heads, 0.7));
          v.data.forEach((value, i) => expect(mixed.data[i] === value).toBe(true));
        },
      ));

    it('attention does not see the order of the queries', () =>
      holds(attentions(dtype, 'any'), ({ q, k: key, v, heads, scale }) => {
        const attend = (q: Tensor): Tensor =>
          compute({ q, key, v }, (k, { q, key, v }) => k.attention(q, key, v, heads, scale));
        expectSameBits(attend(reversed(q)), reversed(attend(q)));
      }));

    it('a picture made of its tokens is the picture', () =>
      holds(pictures(dtype, 'any'), (x) => {
        const [, , height, width] = x.shape;
        expectSameBits(
          compute({ x }, (k, { x }) => k.fromTokens(k.toTokens(x), height, width)),
          x,
        );
      }));

    it('a token holds the channels of its pixel', () =>
      holds(pictures(dtype, 'any'), (x) => {
        const [batch, channels, height, width] = x.shape;
        const tokens = compute({ x }, (k, { x }) => k.toTokens(x));
        expect(tokens.shape).toEqual([batch, height * width, channels]);
        const [b, c, y, column] = [batch - 1, channels - 1, height - 1, 0];
        expect(definitions.element(tokens, b, y * width + column, c)).toBe(definitions.element(x, b, c, y, column));
      }));

    it('what is joined can be cut apart again', () =>
      holds(
        fc
          .tuple(shapes(3, 4, 3, 2), extent(4), extent(3))
          .chain(([[b, c, h, w], otherChannels, otherBatch]) =>
            rows([b, c, h, w], [b, otherChannels, h, w], [otherBatch, c, h, w]),
          ),
        ([a, b, below]) => {
          const channels = a.shape[1] + b.shape[1];
          expectSameBits(
            compute({ a, b }, (k, { a, b }) => k.sliceChannels(k.concatChannels(a, b), 0, a.shape[1])),
            a,
          );
          expectSameBits(
            compute({ a, b }, (k, { a, b }) => k.sliceChannels(k.concatChannels(a, b), a.shape[1], channels)),
            b,
          );
          expectSameBits(
            compute({ a, below }, (k, { a, below }) => k.sliceBatch(k.concatBatch([a, below]), 0, a.shape[0])),
            a,
          );
          expectSameBits(
            compute({ a, below }, (k, { a, below }) =>
              k.sliceBatch(k.concatBatch([a, below]), a.shape[0], a.shape[0] + below.shape[0]),
            ),
            below,
          );
        },
      ));

    it('the average of a pixel and its copies is the pixel', () =>
      holds(pictures(dtype), (x) => {
        expectSameBits(
          compute({ x }, (k, { x }) => k.averagePool2x(k.upsampleNearest2x(x))),
          x,
        );
      }));

    it('a convolution of the doubled picture is just that, exactly so in whole numbers', () =>
      holds(doubledConvolutions(dtype), ({ x, weight, bias }) => {
        const whole = (y: Tensor): Tensor => ({ ...y, data: y.data.map((_, i) => ((i * 7919) % 5) - 2) });
        const [picture, kernel, offset] = [whole(x), whole(weight), bias && whole(bias)];
        const one = { top: 1, bottom: 1, left: 1, right: 1 };
        expectSameBits(
          compute({ picture }, (k, { picture }) => k.upsampleConv2d(picture, kernel, offset)),
          compute({ picture }, (k, { picture }) => k.conv2d(k.upsampleNearest2x(picture), kernel, offset, 1, one)),
        );
      }));

    // Not in f16, whose subnormals and overflow are near.
    if (dtype !== 'f16')
      it('doubling the input doubles a convolution exactly', () =>
        holds(convolutions(dtype), ({ x, weight, stride, padding }) => {
          const out = compute({ x }, (k, { x }) => k.conv2d(x, weight, undefined, stride, padding));
          const doubled = { ...x, data: x.data.map((value) => 2 * value) };
          expectSameBits(
            compute({ doubled }, (k, { doubled }) => k.conv2d(doubled, weight, undefined, stride, padding)),
            { ...out, data: out.data.map((value) => 2 * value) },
          );
        }));

    it('every result can be stored in the dtype', () =>
      holds(
        fc.tuple(convolutions(dtype, 'any'), attentions(dtype, 'any')),
        ([{ x, weight, bias, stride, padding }, { q, k: key, v, heads, scale }]) => {
          const channels = x.shape[1];
          const results = backend.run(
            (k, { x, q, key, v }) => ({
              conv2d: k.conv2d(x, weight, bias, stride, padding),
              norm: k.groupNorm(x, 1, filled(dtype, [channels], 1), filled(dtype, [channels], 1), EPS),
              silu: k.activation(x, 'silu'),
              gelu: k.activation(x, 'gelu'),
              mish: k.activation(x, 'mish'),
              softmax: k.softmax(x),
              affine: k.affine(x, 0.1, 0.3),
              quotient: k.divide(x, 3),
              square: k.multiply(x, x),
              map: k.attentionMap(q, key, heads, scale),
              attention: k.attention(q, key, v, heads, scale),
            }),
            { x, q, key, v },
          );
          for (const { data } of Object.values(results))
            data.forEach((value) => expect(roundTo(dtype, value)).toBe(value));
        },
      ));

    it('zeros keep their sign where nothing is added up', () => {
      const negative = filled(dtype, [1, 1, 2, 2], -0);
      const outputs = backend.run(
        (k, { x }) => ({
          joined: k.concatChannels(x, x),
          tokens: k.toTokens(x),
          upsampled: k.upsampleNearest2x(x),
          pooled: k.averagePool2x(x),
          sum: k.add(x, x),
          quotient: k.divide(x, 3),
          silu: k.activation(x, 'silu'),
        }),
        { x: negative },
      );
      for (const { data } of Object.values(outputs))
        expect([...data].every((value) => Object.is(value, -0))).toBe(true);
      const one = filled(dtype, [1, 1, 1, 1], 1);
      const positive = backend.run(
        (k, { x }) => ({
          relu: k.activation(x, 'relu'),
          difference: k.subtract(x, x),
          conv2d: k.conv2d(x, one, undefined, 1, NO_PADDING),
        }),
        { x: negative },
      );
      for (const { data } of Object.values(positive))
        expect([...data].every((value) => Object.is(value, 0))).toBe(true);
    });

    it('no kernel changes what it is given', () =>
      holds(
        fc.tuple(convolutions(dtype, 'any'), attentions(dtype, 'any')),
        ([{ x, weight, bias, stride, padding }, { q, k: key, v, heads, scale }]) => {
          const given = [x, weight, q, key, v, ...(bias ? [bias] : [])];
          const before = given.map((one) => ({ ...one, data: one.data.slice() }));
          backend.run(
            (k, { x, q, key, v }) => ({
              conv2d: k.conv2d(x, weight, bias, stride, padding),
              softmax: k.softmax(x),
              sum: k.add(x, x),
              silu: k.activation(x, 'silu'),
              slice: k.sliceBatch(x, 0, 1),
              attention: k.attention(q, key, v, heads, scale),
              map: k.attentionMap(q, key, heads, scale),
            }),
            { x, q, key, v },
          );
          given.forEach((one, i) => expectSameBits(one, before[i]));
        },
      ));

    if (dtype === 'f32')
      it('f64 tells how far off the sums are: within the bound of their roundings', () =>
        holds(linears('moderate'), ({ x, weight, bias }) => {
          const ours = compute({ x }, (k, { x }) => k.linear(x, weight, bias));
          const [exactX, exactWeight] = [cast(x, 'f64'), cast(weight, 'f64')];
          const truth = definitions.linear(exactX, exactWeight, bias && cast(bias, 'f64'));
          const sizes = definitions.linear(
            absolute(exactX),
            absolute(exactWeight),
            bias && absolute(cast(bias, 'f64')),
          );
          // Each term passes the rounding of its product, of the sums in its run, of the runs' sums, and of the bias
          // (Higham 2002, §3.1).
          const roundings = 1 + Math.min(64, x.shape[1]) + Math.ceil(x.shape[1] / 64) + 1;
          ours.data.forEach((value, i) =>
            expect(Math.abs(value - truth.data[i])).toBeLessThanOrEqual(1.01 * roundings * 2 ** -24 * sizes.data[i]),
          );
        }));
  });

  /** Moderate tensors of these shapes. */
  function rows(...all: readonly (readonly number[])[]): fc.Arbitrary<Tensor[]> {
    return fc.tuple(...all.map((shape) => tensors(dtype, shape))) as fc.Arbitrary<Tensor[]>;
  }

  /** x [R,C], weight [O,C], bias [O] or none. */
  function linears(values: Values) {
    return fc
      .tuple(extent(9), fc.oneof(extent(9), extent(150)), extent(9), fc.boolean())
      .chain(([rowCount, channels, outChannels, withBias]) =>
        fc.record({
          x: tensors(dtype, [rowCount, channels], values),
          weight: tensors(dtype, [outChannels, channels], values),
          bias: withBias ? tensors(dtype, [outChannels], values) : fc.constant(undefined),
        }),
      );
  }

  function groupNorms(values: Values, narrowest = 1) {
    return fc
      .tuple(shapes(2, 3, 3), fc.tuple(extent(6), fc.integer({ min: narrowest, max: 6 })))
      .chain(([[batch, groups, perGroup], [height, width]]) =>
        fc.record({
          x: tensors(dtype, [batch, groups * perGroup, height, width], values),
          groups: fc.constant(groups),
          weight: tensors(dtype, [groups * perGroup]),
          bias: tensors(dtype, [groups * perGroup]),
        }),
      );
  }

  function layerNorms(values: Values) {
    return shapes(4, 40).chain(([rowCount, channels]) =>
      fc.record({
        x: tensors(dtype, [rowCount, channels], values),
        weight: tensors(dtype, [channels]),
        bias: tensors(dtype, [channels]),
      }),
    );
  }

  /** Two pictures of one shape, and a number for each of their channels [B,C]. */
  function pairs(values: Values) {
    return shapes(3, 5, 4, 4).chain((shape) =>
      fc.record({
        a: tensors(dtype, shape, values),
        b: tensors(dtype, shape, values),
        perChannel: tensors(dtype, shape.slice(0, 2), values),
      }),
    );
  }
}

function filled(dtype: DType, shape: readonly number[], value: number): Tensor {
  return tensor(dtype, shape, allocate(dtype, sizeOf(shape)).fill(value));
}

/** As many numbers of x as the shape takes, from the first on. */
function cut(x: Tensor, shape: readonly number[]): Tensor {
  return tensor(x.dtype, shape, x.data.slice(0, sizeOf(shape)));
}

/** Sample i of x [B,…] as a batch of one. */
function sampleOf(x: Tensor, i: number): Tensor {
  const size = x.data.length / x.shape[0];
  return tensor(x.dtype, [1, ...x.shape.slice(1)], x.data.slice(i * size, (i + 1) * size));
}

/** The tokens of x [B,N,D] in the opposite order. */
function reversed(x: Tensor): Tensor {
  const [batch, count, channels] = x.shape;
  const out = zeros(x.dtype, x.shape);
  for (let b = 0; b < batch; b++) {
    for (let n = 0; n < count; n++) {
      const from = (b * count + n) * channels;
      out.data.set(x.data.subarray(from, from + channels), (b * count + count - 1 - n) * channels);
    }
  }
  return out;
}

function absolute(x: Tensor): Tensor {
  return { ...x, data: x.data.map(Math.abs) };
}

/** x [B,C,H,W] with its padding written out. */
function withBorder(
  x: Tensor,
  { top, bottom, left, right }: { top: number; bottom: number; left: number; right: number },
): Tensor {
  const [batch, channels, height, width] = x.shape;
  const out = zeros(x.dtype, [batch, channels, top + height + bottom, left + width + right]);
  const outWidth = left + width + right;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < height; y++) {
      const from = (plane * height + y) * width;
      out.data.set(x.data.subarray(from, from + width), (plane * (top + height + bottom) + top + y) * outWidth + left);
    }
  }
  return out;
}
