/** What gradients need, bit by bit: weights that are inputs, and the operations that only the way back has. */
import fc from 'fast-check';
import { afterAll, describe, test } from 'vitest';
import { definitionKernels } from '../../../../src/kernels/definition/index.ts';
import { gradient } from '../../../../src/kernels/gradients/gradient.ts';
import { sumOverAll } from '../../../../src/kernels/gradients/sums.ts';
import { activations, type Program, type Tensors } from '../../../../src/kernels/kernels.ts';
import { simdBackend } from '../../../../src/kernels/simd/index.ts';
import { tensor, type Tensor } from '../../../../src/tensor/tensor.ts';
import { expectSameBits, runs, seeds, small, tensorOf } from '../support.ts';
import { firstOf, repeated } from '../../../thorough.ts';

/** Every input costs a module on each. */
const backends = firstOf([{ threads: 2 }, { wide: true }, {}, { threads: 3 }, { wide: true, threads: 2 }], 2).map(
  (options) => simdBackend(options),
);
afterAll(() => backends.forEach((backend) => backend.dispose()));

function check(program: Program, inputs: Tensors): void {
  const expected = program(definitionKernels, inputs);
  for (const backend of backends) expectSameBits(backend.run(program, inputs), expected);
}

/** Few channels, or more than a panel or a tile holds. */
const channels = fc.oneof(small(9), fc.integer({ min: 10, max: 21 }));
const kernels = fc.constantFrom([1, 1], [3, 3], [1, 3], [3, 1], [2, 2], [5, 4], [1, 7]);
const borders = fc.array(fc.nat({ max: 2 }), { minLength: 4, maxLength: 4 });

describe('products with weights that are inputs have the bits of their definition', () => {
  test('conv2d, by a weight, a transposed one and one that is cut', () => {
    fc.assert(
      fc.property(
        small(3),
        channels,
        channels,
        small(9),
        small(12),
        kernels,
        small(2),
        borders,
        seeds,
        (b, c, o, h, w, [kh, kw], stride, [top, bottom, left, right], seed) => {
          fc.pre(h + top + bottom >= kh && w + left + right >= kw);
          const padding = { top, bottom, left, right };
          check(
            (k, { x, weight, back, all, bias }) => ({
              plain: k.conv2d(x, weight, bias, stride, padding),
              transposed: k.conv2d(x, k.transposeWeight(back), undefined, stride, padding),
              channels: k.conv2d(x, k.sliceChannels(all, 2, 2 + c), k.sliceBatch(bias, 0, o), stride, padding),
              outputs: k.conv2d(x, k.sliceBatch(weight, 0, Math.ceil(o / 2)), undefined, stride, padding),
              cutAndTransposed: k.conv2d(x, k.transposeWeight(k.sliceBatch(back, 0, c)), bias, stride, padding),
              twice: k.conv2d(x, k.transposeWeight(k.transposeWeight(weight)), undefined, stride, padding),
            }),
            {
              x: tensorOf([b, c, h, w], seed),
              weight: tensorOf([o, c, kh, kw], seed + 1),
              back: tensorOf([c, o, kh, kw], seed + 2),
              all: tensorOf([o, c + 3, kh, kw], seed + 3),
              bias: tensorOf([o], seed + 4),
            },
          );
        },
      ),
      runs,
    );
  });

  test('linear, on rows and on pixels', () => {
    fc.assert(
      fc.property(small(3), small(9), small(40), small(40), seeds, (b, n, c, o, seed) => {
        check(
          (k, { x, picture, weight, back, bias }) => ({
            rows: k.linear(x, weight, bias),
            transposed: k.linear(x, k.transposeWeight(back), undefined),
            pixels: k.linear(k.toTokens(picture), weight, bias),
            back: k.fromTokens(k.linear(k.toTokens(picture), k.transposeWeight(back), bias), n, 3),
          }),
          {
            x: tensorOf([b, n, c], seed),
            picture: tensorOf([b, c, n, 3], seed + 1),
            weight: tensorOf([o, c], seed + 2),
            back: tensorOf([c, o], seed + 3),
            bias: tensorOf([o], seed + 4),
          },
        );
      }),
      runs,
    );
  });

  test('upsampleConv2d', () => {
    fc.assert(
      fc.property(small(2), channels, channels, small(5), small(7), seeds, (b, c, o, h, w, seed) => {
        check(
          (k, { x, weight, all, bias }) => ({
            plain: k.upsampleConv2d(x, weight, bias),
            cut: k.upsampleConv2d(x, k.sliceChannels(all, 1, 1 + c), undefined),
          }),
          {
            x: tensorOf([b, c, h, w], seed),
            weight: tensorOf([o, c, 3, 3], seed + 1),
            all: tensorOf([o, c + 1, 3, 3], seed + 2),
            bias: tensorOf([o], seed + 3),
          },
        );
      }),
      runs,
    );
  });

  test('a picture that is a weight, too, and a weight that is a bias', () => {
    fc.assert(
      fc.property(channels, seeds, (c, seed) => {
        const around = { top: 1, bottom: 1, left: 1, right: 1 };
        check(
          (k, { x, w }) => {
            const normed = k.groupNorm(x, 1, w, w, 0.1);
            return {
              itself: k.conv2d(normed, normed, w, 1, around),
              other: k.conv2d(x, k.affine(normed, 2, 0), k.affine(w, 3, 0), 1, around),
            };
          },
          { x: tensorOf([c, c, 3, 3], seed), w: tensorOf([c], seed + 1) },
        );
      }),
      runs,
    );
  });
});

/** Of attention, as gradients have it: two heads of four channels, six queries, five keys. */
const wayBack = { factor: -1, offset: 0, bias: undefined as Tensor | undefined, row: 5, channels: 8 };

describe('what only the way back has, has the bits of its definition', () => {
  test('the gradient of a weight, with its border or without', () => {
    fc.assert(
      fc.property(
        small(4),
        channels,
        channels,
        small(14),
        fc.oneof(small(14), fc.constantFrom(16, 32, 65, 70)),
        kernels,
        small(3),
        borders,
        seeds,
        (b, c, o, h, w, [kh, kw], stride, [top, bottom, left, right], seed) => {
          fc.pre(h + top + bottom >= kh && w + left + right >= kw);
          const padding = { top, bottom, left, right };
          const [outH, outW] = [h + top + bottom - kh, w + left + right - kw].map((n) => Math.floor(n / stride) + 1);
          check(
            (k, { x, gradient, weight }) => {
              const seen = k.groupNorm(x, 1, k.sliceBatch(weight, 0, c), k.sliceBatch(weight, 0, c), 0.1);
              return {
                alone: k.conv2dWeightGradient(x, gradient, kh, kw, stride, padding),
                // What another kernel has written with the border.
                bordered: k.conv2dWeightGradient(seen, gradient, kh, kw, stride, padding),
                cut: k.conv2dWeightGradient(
                  k.sliceChannels(x, 0, Math.ceil(c / 2)),
                  k.sliceChannels(gradient, Math.floor(o / 2), o),
                  kh,
                  kw,
                  stride,
                  padding,
                ),
              };
            },
            {
              x: tensorOf([b, c, h, w], seed),
              gradient: tensorOf([b, o, outH, outW], seed + 1),
              weight: tensorOf([c], seed + 2),
            },
          );
        },
      ),
      runs,
    );
  });

  test('the gradient of a weight in tiles, with its border or without', () => {
    fc.assert(
      fc.property(
        small(2),
        channels,
        channels,
        small(9),
        fc.oneof(small(9), fc.constantFrom(16, 33)),
        fc.constantFrom(2 as const, 4 as const),
        borders,
        seeds,
        (b, c, o, h, w, width, [top, bottom, left, right], seed) => {
          fc.pre(h + top + bottom >= 3 && w + left + right >= 3);
          const padding = { top, bottom, left, right };
          check(
            (k, { x, gradient, weight }) => {
              const seen = k.groupNorm(x, 1, weight, weight, 0.1);
              const part = k.sliceChannels(gradient, Math.floor(o / 2), o);
              return {
                alone: k.conv2dWeightGradient(x, gradient, 3, 3, 1, padding, width),
                bordered: k.conv2dWeightGradient(seen, part, 3, 3, 1, padding, width),
              };
            },
            {
              x: tensorOf([b, c, h, w], seed),
              gradient: tensorOf([b, o, h + top + bottom - 2, w + left + right - 2], seed + 1),
              weight: tensorOf([c], seed + 2),
            },
          );
        },
      ),
      { numRuns: repeated(20) },
    );
  });

  test('the gradient of a weight with more channels than a unit of work takes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 140 }), small(20), fc.constantFrom(1, 3), seeds, (c, o, kernel, seed) => {
        const border = (kernel - 1) / 2;
        const padding = { top: border, bottom: border, left: border, right: border };
        check((k, { x, g }) => ({ out: k.conv2dWeightGradient(x, g, kernel, kernel, 1, padding) }), {
          x: tensorOf([2, c, 3, 4], seed),
          g: tensorOf([2, o, 3, 4], seed + 1),
        });
      }),
      { numRuns: repeated(15) },
    );
  });

  test('transposed weights, and pixels that are put apart', () => {
    fc.assert(
      fc.property(
        small(3),
        channels,
        small(5),
        small(6),
        small(3),
        fc.integer({ min: -4, max: 4 }),
        fc.integer({ min: -4, max: 4 }),
        fc.nat({ max: 12 }),
        seeds,
        (b, c, h, w, stride, top, left, extent, seed) => {
          fc.pre(extent > 0);
          check(
            (k, { x }) => ({
              transposed: k.transposeWeight(x),
              ofPart: k.transposeWeight(k.sliceChannels(x, 0, Math.ceil(c / 2))),
              placed: k.placePixels(x, stride, top, left, extent, extent + 1),
              cut: k.placePixels(k.sliceChannels(x, 0, Math.ceil(c / 2)), stride, top, left, extent, 3),
            }),
            { x: tensorOf([b, c, h, w], seed) },
          );
        },
      ),
      runs,
    );
  });

  test('maps, applied as they are and from the other side', () => {
    fc.assert(
      fc.property(
        small(2),
        small(3),
        fc.oneof(small(9), fc.integer({ min: 10, max: 70 })),
        fc.oneof(small(9), fc.integer({ min: 10, max: 70 })),
        small(9),
        seeds,
        (b, heads, queries, keys, size, seed) => {
          const tokens = (count: number, more: number): Tensor => tensorOf([b, count, heads * size], seed + more);
          check(
            (k, { map, q, key }) => {
              const shown = k.transposeMap(k.affine(map, 2, 0));
              return {
                applied: k.applyAttentionMap(map, key),
                fromTheOtherSide: k.applyAttentionMap(k.transposeMap(map), q),
                shown,
                andApplied: k.applyAttentionMap(shown, q),
                map: k.attentionMap(q, key, heads, 0.5),
                scores: k.attentionScores(q, key, heads, 0.5),
              };
            },
            { map: tensorOf([b, heads, queries, keys], seed), q: tokens(queries, 1), key: tokens(keys, 2) },
          );
        },
      ),
      runs,
    );
  });

  test('the way back through attention, whole, or with a map that others read', () => {
    const tokensUpTo = fc.oneof(small(9), fc.integer({ min: 10, max: 140 }));
    fc.assert(
      fc.property(
        small(2),
        small(3),
        tokensUpTo,
        tokensUpTo,
        small(9),
        seeds,
        fc.boolean(),
        (b, heads, queries, keys, size, seed, shown) => {
          const tokens = (count: number, more: number): Tensor => tensorOf([b, count, heads * size], seed + more);
          const inputs = { q: tokens(queries, 0), key: tokens(keys, 1), v: tokens(keys, 2), g: tokens(queries, 3) };
          const loss: Program = (k, { q, key, v, g }) => ({
            loss: sumOverAll(k, k.multiply(k.attention(q, key, v, heads, 0.3), g)),
            ...(shown && { map: k.attentionMap(q, key, heads, 0.3) }),
          });
          check(gradient(loss, 'loss', ['q', 'key', 'v']), inputs);
        },
      ),
      runs,
    );
  });

  test.each<[string, Partial<typeof wayBack>]>([
    ['it is', {}],
    ['sums are taken off by halves', { factor: -0.5 }],
    ['more than sums are taken off', { offset: 1 }],
    ['sums begin with a number', { bias: tensor('f32', [1], Float32Array.of(3)) }],
    ['sums are those of two rows', { row: 10 }],
    ['values have more channels', { channels: 16 }],
    ['values have fewer channels', { channels: 4 }],
  ])('what may be taken for the way back through attention: %s', (_, changed) => {
    const { factor, offset, bias, row, channels } = { ...wayBack, ...changed };
    const rows = [60 / row, row];
    check(
      (k, { q, key, v, g }) => {
        const map = k.attentionMap(q, key, 2, 0.25);
        const [y, ofMap] = [map, k.attentionScores(g, v, 2, 1)].map((x) => k.reshape(x, rows));
        const ones = tensor('f32', [1, row], new Float32Array(row).fill(1));
        const sums = k.reshape(k.linear(k.multiply(ofMap, y), ones, bias), [60 / row]);
        const slopes = k.multiply(y, k.add(ofMap, k.affine(sums, factor, offset)));
        const ofScores = k.reshape(slopes, [2, 6, 5]);
        return {
          q: k.affine(k.applyAttentionMap(ofScores, key), 0.25, 0),
          key: k.affine(k.applyAttentionMap(k.transposeMap(ofScores), q), 0.25, 0),
          v: k.applyAttentionMap(k.transposeMap(map), g),
        };
      },
      {
        ...{ q: tensorOf([2, 6, 8], 1), key: tensorOf([2, 5, 8], 2) },
        ...{ v: tensorOf([2, 5, channels], 3), g: tensorOf([2, 6, channels], 4) },
      },
    );
  });

  test('the way back through a group norm', () => {
    fc.assert(
      fc.property(small(3), small(4), small(4), small(9), small(9), seeds, (b, groups, perGroup, h, w, seed) => {
        const c = groups * perGroup;
        check(
          (k, { x, g, weight, rows }) => {
            const [part, back] = [x, g].map((y) => k.sliceChannels(y, 0, perGroup));
            const first = k.sliceBatch(weight, 0, perGroup);
            const y = k.groupNorm(x, groups, weight, k.affine(weight, 1, 1), 1e-5);
            const throughSilu = k.multiply(g, k.activationDerivative(y, 'silu'));
            return {
              picture: k.groupNormGradient(x, g, weight, groups, 1e-5),
              sums: k.groupNormSums(x, g, groups, 1e-5),
              silu: k.activation(y, 'silu'),
              throughSilu: k.groupNormGradient(x, throughSilu, weight, groups, 1e-5),
              sumsOfThat: k.groupNormSums(x, throughSilu, groups, 1e-5),
              cut: k.groupNormGradient(part, back, first, 1, 0.1),
              sumsFirst: k.groupNormSums(part, back, 1, 1e-3),
              rows: k.groupNormGradient(rows, k.affine(rows, 2, 1), weight, groups, 1e-3),
            };
          },
          {
            x: tensorOf([b, c, h, w], seed),
            g: tensorOf([b, c, h, w], seed + 1),
            weight: tensorOf([c], seed + 3),
            rows: tensorOf([b, c], seed + 2),
          },
        );
      }),
      runs,
    );
  });

  test('the sums of rows', () => {
    fc.assert(
      fc.property(
        small(3),
        small(21),
        fc.oneof(small(9), fc.integer({ min: 10, max: 200 })),
        seeds,
        (b, c, n, seed) => {
          const ones = tensor('f32', [1, n], new Float32Array(n).fill(1));
          check(
            (k, { x }) => ({
              sums: k.linear(x, ones, undefined),
              ofPart: k.linear(k.sliceChannels(x, 0, Math.ceil(c / 2)), ones, undefined),
            }),
            { x: tensorOf([b, c, n], seed) },
          );
        },
      ),
      runs,
    );
  });

  test('derivatives of activations, times what comes back', () => {
    fc.assert(
      fc.property(small(3), small(7), small(30), seeds, (b, c, n, seed) => {
        check(
          (k, { x, g }) =>
            Object.fromEntries(
              activations.flatMap((kind) => [
                [kind, k.multiply(g, k.activationDerivative(x, kind))],
                [`${kind}, shown`, k.activationDerivative(k.affine(x, 3, 0), kind)],
              ]),
            ),
          { x: tensorOf([b, c, n], seed), g: tensorOf([b, c, n], seed + 1) },
        );
      }),
      runs,
    );
  });
});
