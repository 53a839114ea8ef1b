/** Convolutions and linear layers, bit by bit. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Tensors } from '../../../../src/kernels/kernels.ts';
import { tensor, type Tensor } from '../../../../src/tensor/tensor.ts';
import { finite, noise, onAllBackends, runs, seeds, small, tensorOf } from '../support.ts';
import { repeated } from '../../../thorough.ts';

const check = onAllBackends();

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
          fc.pre(h + top + bottom >= kh && w + left + right >= kw);
          const weight = tensorOf([o, c, kh, kw], seed + 1);
          const offset = bias ? tensorOf([o], seed + 2) : undefined;
          check(
            (k, { x }) => ({
              y: k.conv2d(x, weight, offset, stride, { top: top, bottom: bottom, left: left, right: right }),
            }),
            { x: tensorOf([b, c, h, w], seed) },
          );
        },
      ),
      runs,
    );
  });

  // Whose lines are fetched; 25 panels, which make no equal chunks.
  test('convolutions with a megabyte of weights and more', () => {
    const padding = { top: 1, bottom: 1, left: 1, right: 1 };
    const [weight, doubling] = [tensorOf([200, 150, 3, 3], 1), tensorOf([200, 100, 3, 3], 2)];
    check(
      (k, { x, y }) => ({
        direct: k.conv2d(x, weight, undefined, 1, padding),
        narrow: k.winogradConv2d(x, weight, undefined, 2, padding),
        wide: k.winogradConv2d(x, weight, undefined, 4, padding),
        doubled: k.upsampleConv2d(y, doubling, undefined),
      }),
      { x: tensorOf([2, 150, 3, 5], 3), y: tensorOf([1, 100, 3, 2], 4) },
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
          check((k, { x }) => ({ y: k.linear(x, weight, offset) }), { x: tensorOf([...lead, c], seed) });
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
            const tokens = k.linear(k.toTokens(x), weight, offset);
            return { tokens, picture: k.fromTokens(tokens, h, w) };
          },
          { x: tensorOf([b, c, h, w], seed) },
        );
      }),
      runs,
    );
  });

  test('pixels of many channels, more than a run, and what is done to their sums', () => {
    fc.assert(
      fc.property(
        small(2),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 37 }),
        small(12),
        small(12),
        fc.boolean(),
        seeds,
        (b, c, o, h, w, divided, seed) => {
          const weight = tensorOf([o, c, 1, 1], seed + 1);
          const bias = tensorOf([o], seed + 2);
          const none = { top: 0, bottom: 0, left: 0, right: 0 };
          check(
            (k, { x, residual, spread }) => {
              const sums = k.add(k.add(k.conv2d(x, weight, bias, 1, none), residual), spread);
              return { y: divided ? k.divide(sums, 3) : sums, plain: k.conv2d(x, weight, undefined, 1, none) };
            },
            {
              x: tensorOf([b, c, h, w], seed),
              residual: tensorOf([b, o, h, w], seed + 3),
              spread: tensorOf([b, o], seed + 4),
            },
          );
        },
      ),
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
          const [scale, shift] = [noise([c], seed + 1), noise([c], seed + 2)];
          const [wq, wk, wv, wo] = [3, 4, 5, 6].map((i) => noise([c, c], seed + i)) as [Tensor, Tensor, Tensor, Tensor];
          const [small, wide, bias] = [
            noise([o, c, 1, 1], seed + 7),
            noise([o, c, 3, 3], seed + 8),
            noise([c], seed + 9),
          ];
          const [even, none] = [
            { top: 1, bottom: 1, left: 1, right: 1 },
            { top: 0, bottom: 0, left: 0, right: 0 },
          ];
          check(
            (k, { x }) => {
              const normed = k.groupNorm(x, 2, scale, shift, 1e-5);
              const tokens = k.toTokens(normed);
              const [q, key, v] = [
                k.linear(tokens, wq, bias),
                k.linear(tokens, wk, undefined),
                k.linear(tokens, wv, bias),
              ];
              const attended = k.attention(q, key, v, 2, 0.25);
              const y = k.add(k.fromTokens(k.linear(attended, wo, bias), h, w), x);
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
              return { y, again, ...Object.fromEntries(extra.map((name) => [name, inner[name]])) };
            },
            { x: finite([b, c, h, w], seed) },
          );
        },
      ),
      { numRuns: repeated(15) },
    );
  });

  test('products with a bias that is computed, and weights that share their numbers', () => {
    fc.assert(
      fc.property(fc.constantFrom([18, 16, 16], [6, 5, 7]), small(2), seeds, ([c, h, w], b, seed) => {
        const [scale, weight, other] = [noise([c], seed + 1), noise([c, c], seed + 2), noise([2, 3 * c], seed + 3)];
        const padding = { top: 1, bottom: 1, left: 1, right: 1 };
        const wide = noise([2, c, 3, 3], seed + 4);
        check(
          (k, { x, bias, two }) => {
            const normed = (): Tensor => k.groupNorm(x, 2, scale, scale, 1e-5);
            const tokens = k.toTokens(normed());
            const reshaped = tensor('f32', [3 * c, 2], other.data as Float32Array);
            return {
              linear: k.linear(tokens, weight, bias),
              attended: k.linear(k.attention(tokens, tokens, tokens, 2, 0.25), weight, bias),
              pointwise: k.conv2d(normed(), tensor('f32', [c, c, 1, 1], weight.data as Float32Array), bias, 1, {
                top: 0,
                bottom: 0,
                left: 0,
                right: 0,
              }),
              wide: k.conv2d(normed(), wide, two, 1, padding),
              doubled: k.upsampleConv2d(normed(), wide, two),
              there: k.linear(k.linear(k.affine(two, 1, 0), reshaped, undefined), other, undefined),
              ...Object.fromEntries(
                [0, -0].map((divisor, i) => [
                  `over zero ${i}`,
                  k.divide(k.conv2d(x, wide, undefined, 1, padding), divisor),
                ]),
              ),
            };
          },
          { x: finite([b, c, h, w], seed), bias: noise([c], seed + 5), two: noise([2], seed + 6) },
        );
      }),
      { numRuns: repeated(10) },
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
                const joined = k.concatChannels(first, z);
                const normed = k.groupNorm(joined, groups, weight, bias, 1e-5);
                const act = k.activation(normed, 'silu');
                const results = seams.map(
                  (seam, i) =>
                    [`${name} ${i}`, k.add(k.joinedConv2d(act, filter, offset, 1, even, seam), shift)] as const,
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
                  ...extra.map((what) => [`${name} ${what}`, inner[what]] as const),
                ]);
              };
              return { ...convolved(k.affine(x, 2, 0), 'first'), ...convolved(y, 'second') };
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
});
