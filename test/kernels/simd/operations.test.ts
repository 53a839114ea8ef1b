/** Every kernel against its plain loop, over random shapes and awkward values: the same bits. */
import fc from 'fast-check';
import { afterAll, describe, test } from 'vitest';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import type { Program, Tensors } from '../../../src/kernels/kernels.ts';
import { tensor, type Tensor } from '../../../src/tensor/tensor.ts';
import { expectAsReference, finite, noise, seeds, small, tensorOf } from './support.ts';

// Wide tiles have the same bits whether the engine joins their vectors or not.
const backends = [simdBackend(), simdBackend({ threads: 2 }), simdBackend({ wide: true })];
afterAll(() => backends.forEach((backend) => backend.dispose()));

const check = (program: Program, inputs: Tensors): void =>
  backends.forEach((backend) => expectAsReference(backend, program, inputs));
const runs = { numRuns: 60 };

describe('the same bits as the plain loop', () => {
  test('conv2d', () => {
    fc.assert(
      fc.property(
        small(3),
        fc.oneof(small(10), fc.integer({ min: 11, max: 27 })),
        small(10),
        small(19),
        small(19),
        fc.constantFrom([1, 1], [3, 3], [1, 3], [2, 2], [5, 4]),
        small(3),
        fc.array(fc.nat({ max: 2 }), { minLength: 4, maxLength: 4 }),
        fc.boolean(),
        seeds,
        (b, c, o, h, w, [kh, kw], stride, [top, bottom, left, right], bias, seed) => {
          fc.pre(h + top! + bottom! >= kh! && w + left! + right! >= kw!);
          const weight = tensorOf([o, c, kh!, kw!], seed + 1);
          const offset = bias ? tensorOf([o], seed + 2) : undefined;
          check(
            (k, { x }) => ({
              y: k.conv2d(x!, weight, offset, stride, { top: top!, bottom: bottom!, left: left!, right: right! }),
            }),
            { x: tensorOf([b, c, h, w], seed) },
          );
        },
      ),
      runs,
    );
  });

  test('linear on rows', () => {
    fc.assert(
      fc.property(
        fc.array(small(6), { minLength: 0, maxLength: 3 }),
        small(40),
        small(40),
        fc.boolean(),
        seeds,
        (lead, c, o, bias, seed) => {
          const weight = tensorOf([o, c], seed + 1);
          const offset = bias ? tensorOf([o], seed + 2) : undefined;
          check((k, { x }) => ({ y: k.linear(x!, weight, offset) }), { x: tensorOf([...lead, c], seed) });
        },
      ),
      runs,
    );
  });

  test('linear on the pixels of a picture', () => {
    fc.assert(
      fc.property(small(3), small(20), small(20), small(9), small(9), seeds, (b, c, o, h, w, seed) => {
        const weight = tensorOf([o, c], seed + 1);
        const offset = tensorOf([o], seed + 2);
        check(
          (k, { x }) => {
            const tokens = k.linear(k.toTokens(x!), weight, offset);
            return { tokens, picture: k.fromTokens(tokens, h, w) };
          },
          { x: tensorOf([b, c, h, w], seed) },
        );
      }),
      runs,
    );
  });

  test('pixels of many channels, whose planes are put apart', () => {
    // Planes of these sizes, so many channels of them, would compete for the same places of the cache.
    const sizes = fc.constantFrom([16, 16, 18], [4, 32, 36], [1, 256, 20], [8, 16, 66]);
    fc.assert(
      fc.property(
        small(2),
        sizes,
        small(9),
        fc.subarray(['normed', 'tokens', 'q', 'attended', 'shortcut', 'wide', 'by map']),
        seeds,
        (b, [h, w, c], o, extra, seed) => {
          // One NaN among these would be all that comes out.
          const [scale, shift] = [noise([c!], seed + 1), noise([c!], seed + 2)];
          const [wq, wk, wv, wo] = [3, 4, 5, 6].map((i) => noise([c!, c!], seed + i)) as [
            Tensor,
            Tensor,
            Tensor,
            Tensor,
          ];
          const [small, wide, bias] = [
            noise([o, c!, 1, 1], seed + 7),
            noise([o, c!, 3, 3], seed + 8),
            noise([c!], seed + 9),
          ];
          const [even, none] = [
            { top: 1, bottom: 1, left: 1, right: 1 },
            { top: 0, bottom: 0, left: 0, right: 0 },
          ];
          check(
            (k, { x }) => {
              const normed = k.groupNorm(x!, 2, scale, shift, 1e-5);
              const tokens = k.toTokens(normed);
              const [q, key, v] = [
                k.linear(tokens, wq, bias),
                k.linear(tokens, wk, undefined),
                k.linear(tokens, wv, bias),
              ];
              const attended = k.attention(q, key, v, 2, 0.25);
              const y = k.add(k.fromTokens(k.linear(attended, wo, bias), h!, w!), x!);
              const shortcut = k.conv2d(normed, small, undefined, 1, none);
              const again = k.conv2d(
                k.conv2d(y, small, undefined, 2, none),
                noise([2, o, 1, 1], seed),
                undefined,
                1,
                none,
              );
              const inner: Tensors = {
                normed,
                tokens,
                q,
                attended,
                shortcut,
                wide: k.conv2d(normed, wide, undefined, 1, even),
                'by map': k.linear(k.applyAttentionMap(k.attentionMap(q, key, 2, 0.25), v), wo, undefined),
              };
              return { y, again, ...Object.fromEntries(extra.map((name) => [name, inner[name]!])) };
            },
            { x: finite([b, c!, h!, w!], seed) },
          );
        },
      ),
      { numRuns: 15 },
    );
  });

  test('products with a bias that is computed, and weights that share their numbers', () => {
    fc.assert(
      fc.property(fc.constantFrom([18, 16, 16], [6, 5, 7]), small(2), seeds, ([c, h, w], b, seed) => {
        const [scale, weight, other] = [noise([c!], seed + 1), noise([c!, c!], seed + 2), noise([2, 3 * c!], seed + 3)];
        const padding = { top: 1, bottom: 1, left: 1, right: 1 };
        const wide = noise([2, c!, 3, 3], seed + 4);
        check(
          (k, { x, bias, two }) => {
            const normed = (): Tensor => k.groupNorm(x!, 2, scale, scale, 1e-5);
            const tokens = k.toTokens(normed());
            const reshaped = tensor('f32', [3 * c!, 2], other.data as Float32Array);
            return {
              linear: k.linear(tokens, weight, bias),
              attended: k.linear(k.attention(tokens, tokens, tokens, 2, 0.25), weight, bias),
              pointwise: k.conv2d(normed(), tensor('f32', [c!, c!, 1, 1], weight.data as Float32Array), bias, 1, {
                top: 0,
                bottom: 0,
                left: 0,
                right: 0,
              }),
              wide: k.conv2d(normed(), wide, two, 1, padding),
              doubled: k.upsampleConv2d(normed(), wide, two),
              there: k.linear(k.linear(k.affine(two!, 1, 0), reshaped, undefined), other, undefined),
              ...Object.fromEntries(
                [0, -0].map((divisor, i) => [
                  `over zero ${i}`,
                  k.divide(k.conv2d(x!, wide, undefined, 1, padding), divisor),
                ]),
              ),
            };
          },
          { x: finite([b, c!, h!, w!], seed), bias: noise([c!], seed + 5), two: noise([2], seed + 6) },
        );
      }),
      { numRuns: 10 },
    );
  });

  test('groupNorm, alone and before an activation and a convolution', () => {
    fc.assert(
      fc.property(
        small(3),
        small(4),
        small(4),
        small(13),
        small(13),
        fc.boolean(),
        seeds,
        (b, groups, perGroup, h, w, dense, seed) => {
          const c = groups * perGroup;
          const [weight, bias, filter] = [
            tensorOf([c], seed + 1),
            tensorOf([c], seed + 2),
            tensorOf([2, c, 3, 3], seed + 3),
          ];
          const padding = { top: 1, bottom: 1, left: 1, right: 1 };
          check(
            (k, { x }) => {
              const normed = k.groupNorm(x!, groups, weight, bias, 1e-5);
              const act = k.activation(k.groupNorm(x!, groups, bias, weight, 1e-3), 'silu');
              const y = k.conv2d(act, filter, undefined, 1, padding);
              return dense ? { normed, act, y } : { y };
            },
            { x: tensorOf([b, c, h, w], seed) },
          );
        },
      ),
      runs,
    );
  });

  test('convolutions of two pictures, joined, normed and activated, beside those of another first picture', () => {
    fc.assert(
      fc.property(
        small(2),
        small(3),
        small(4),
        small(12),
        small(4),
        small(9),
        small(9),
        fc.nat({ max: 999 }),
        fc.subarray(['joined', 'normed', 'act', 'apart', 'again']),
        seeds,
        (b, groups, perGroup, c, o, h, w, at, extra, seed) => {
          const all = groups * perGroup;
          fc.pre(c < all);
          // The seam of the convolution is that of the pictures, or the next group's, or anywhere.
          const seams = [c, Math.ceil(c / perGroup) * perGroup, 1 + (at % (all - 1))].filter((seam) => seam < all);
          const [weight, bias, filter] = [
            tensorOf([all], seed + 1),
            tensorOf([all], seed + 2),
            tensorOf([o, all, 3, 3], seed + 3),
          ];
          const [small, offset] = [tensorOf([o, all, 1, 1], seed + 4), tensorOf([o], seed + 5)];
          const [even, none] = [
            { top: 1, bottom: 1, left: 1, right: 1 },
            { top: 0, bottom: 0, left: 0, right: 0 },
          ];
          check(
            (k, { x, y, z, shift }) => {
              const convolved = (first: Tensor, name: string): Tensors => {
                const joined = k.concatChannels(first, z!);
                const normed = k.groupNorm(joined, groups, weight, bias, 1e-5);
                const act = k.activation(normed, 'silu');
                const results = seams.map(
                  (seam, i) =>
                    [`${name} ${i}`, k.add(k.joinedConv2d(act, filter, offset, 1, even, seam), shift!)] as const,
                );
                const apart = k.joinedConv2d(joined, small, offset, 1, none, c);
                const inner: Tensors = {
                  joined,
                  normed,
                  act,
                  apart,
                  again: k.joinedConv2d(k.affine(joined, 0.5, 1), small, undefined, 2, none, c),
                };
                return Object.fromEntries([
                  ...results,
                  ...extra.map((what) => [`${name} ${what}`, inner[what]!] as const),
                ]);
              };
              return { ...convolved(k.affine(x!, 2, 0), 'first'), ...convolved(y!, 'second') };
            },
            {
              x: tensorOf([b, c, h, w], seed),
              y: tensorOf([b, c, h, w], seed + 6),
              z: tensorOf([b, all - c, h, w], seed + 7),
              shift: tensorOf([b, o], seed + 8),
            },
          );
        },
      ),
      runs,
    );
  });

  test('layerNorm and softmax', () => {
    fc.assert(
      fc.property(small(3), small(9), small(50), seeds, (b, n, c, seed) => {
        const [weight, bias] = [tensorOf([c], seed + 1), tensorOf([c], seed + 2)];
        check((k, { x }) => ({ norm: k.layerNorm(x!, weight, bias, 1e-5), weights: k.softmax(x!) }), {
          x: tensorOf([b, n, c], seed),
        });
      }),
      runs,
    );
  });

  test('attention, with and without its map', () => {
    fc.assert(
      fc.property(small(3), small(3), small(9), small(40), small(40), seeds, (b, heads, size, n, m, seed) => {
        const d = heads * size;
        const scale = 1 / Math.sqrt(size);
        check(
          (k, { q, k: key, v }) => {
            const map = k.attentionMap(q!, key!, heads, scale);
            return { map, byMap: k.applyAttentionMap(map, v!), y: k.attention(q!, key!, v!, heads, scale) };
          },
          { q: tensorOf([b, n, d], seed), k: tensorOf([b, m, d], seed + 1), v: tensorOf([b, m, d], seed + 3) },
        );
      }),
      runs,
    );
  });

  test('activations', () => {
    fc.assert(
      fc.property(small(3), small(5), small(60), seeds, (b, c, n, seed) => {
        check(
          (k, { x }) => ({
            silu: k.activation(x!, 'silu'),
            gelu: k.activation(x!, 'gelu'),
            mish: k.activation(x!, 'mish'),
            relu: k.activation(x!, 'relu'),
          }),
          { x: tensorOf([b, c, n], seed) },
        );
      }),
      runs,
    );
  });

  test('activations of all magnitudes', () => {
    fc.assert(
      fc.property(fc.constantFrom(0.5, 4, 16, 100), seeds, (reach, seed) => {
        const anywhere = tensor(
          'f32',
          [4096],
          new Float32Array(Uint32Array.from(noise([4096], seed).data, (value) => (value + 1) * 2 ** 31).buffer),
        );
        const near = noise([4096], seed + 1);
        check(
          (k, { x, y }) =>
            Object.fromEntries(
              (['silu', 'gelu', 'mish', 'relu'] as const).flatMap((kind) => [
                [kind, k.activation(x!, kind)],
                [`${kind} near`, k.activation(k.affine(y!, reach, 0), kind)],
              ]),
            ),
          { x: anywhere, y: near },
        );
      }),
      { numRuns: 20 },
    );
  });

  test('resampling', () => {
    fc.assert(
      fc.property(
        small(3),
        small(5),
        fc.integer({ min: 2, max: 13 }),
        fc.integer({ min: 2, max: 13 }),
        seeds,
        (b, c, h, w, seed) => {
          const filter = tensorOf([3, c, 3, 3], seed + 1);
          const [bias, spread] = [tensorOf([3], seed + 2), tensorOf([b, 3], seed + 3)];
          const padding = { top: 1, bottom: 1, left: 1, right: 1 };
          check(
            (k, { x }) => ({
              up: k.upsampleNearest2x(x!),
              down: k.averagePool2x(x!),
              upConv: k.conv2d(k.upsampleNearest2x(k.affine(x!, 2, 0)), filter, undefined, 1, padding),
              inPhases: k.upsampleConv2d(x!, filter, bias),
              followed: k.add(
                k.add(k.divide(k.upsampleConv2d(k.affine(x!, 2, 0), filter, bias), 3), spread),
                k.upsampleNearest2x(k.sliceChannels(k.concatChannels(x!, k.concatChannels(x!, x!)), 0, 3)),
              ),
            }),
            { x: tensorOf([b, c, h, w], seed) },
          );
        },
      ),
      runs,
    );
  });

  test('concatenation and slices', () => {
    fc.assert(
      fc.property(small(3), small(3), small(5), small(5), small(30), seeds, (b1, b2, c1, c2, n, seed) => {
        check(
          (k, { x, y, z }) => {
            const channels = k.concatChannels(k.affine(x!, 2, 1), k.affine(y!, 3, -1));
            const batch = k.concatBatch([k.affine(x!, 0.5, 0), x!, z!]);
            return {
              channels,
              batch,
              again: k.concatChannels(channels, x!),
              left: k.sliceChannels(channels, 0, c1),
              right: k.sliceChannels(channels, c1, c1 + c2),
              first: k.sliceBatch(batch, 0, b1),
              rest: k.affine(k.sliceBatch(batch, b1, 2 * b1 + b2), 2, 0),
            };
          },
          { x: tensorOf([b1, c1, n], seed), y: tensorOf([b1, c2, n], seed + 1), z: tensorOf([b2, c1, n], seed + 2) },
        );
      }),
      runs,
    );
  });

  test('tokens and pictures', () => {
    fc.assert(
      fc.property(small(3), small(6), small(9), small(9), seeds, (b, c, h, w, seed) => {
        check(
          (k, { x, t }) => ({
            tokens: k.toTokens(x!),
            picture: k.fromTokens(t!, h, w),
            back: k.fromTokens(k.toTokens(x!), h, w),
            sum: k.add(k.toTokens(x!), t!),
          }),
          { x: tensorOf([b, c, h, w], seed), t: tensorOf([b, h * w, c], seed + 1) },
        );
      }),
      runs,
    );
  });

  test('arithmetic', () => {
    const numbers = fc.constantFrom(0, -0, 1, 2, Math.SQRT1_2, -1e-40, Infinity);
    fc.assert(
      fc.property(
        small(3),
        small(6),
        small(7),
        small(9),
        numbers,
        numbers,
        seeds,
        (b, c, h, w, factor, offset, seed) => {
          check(
            (k, { x, y, s }) => ({
              add: k.add(x!, y!),
              spread: k.add(x!, s!),
              multiply: k.multiply(x!, y!),
              scaled: k.multiply(x!, s!),
              subtract: k.subtract(x!, y!),
              affine: k.affine(x!, factor, offset),
              divide: k.divide(x!, factor),
              pairs: k.add(s!, s!),
            }),
            { x: tensorOf([b, c, h, w], seed), y: tensorOf([b, c, h, w], seed + 1), s: tensorOf([b, c], seed + 2) },
          );
        },
      ),
      runs,
    );
  });
});
