/** Laws of attention. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Kernels } from '../../../src/kernels/kernels.ts';
import { zeros, type Tensor } from '../../../src/tensor/tensor.ts';
import { attentions, extent, several, tensors } from '../arbitraries.ts';
import { expectSameBits } from '../bits.ts';
import type { Subject } from './law.ts';

/** Declares the tests. */
export function lawsOfAttention({ dtype, compute, holds }: Subject): void {
  it('an identity map leaves the values: V', () =>
    holds(
      fc
        .tuple(extent(2), extent(7), extent(3), extent(4))
        .chain(([b, n, h, d]) => fc.tuple(fc.constant(h), tensors(dtype, [b, n, h * d]))),
      ([heads, v]) => {
        const [batch, count] = v.shape;
        const map = zeros(dtype, [batch, heads, count, count]);
        for (let i = 0; i < map.data.length; i++) map.data[i] = Math.floor(i / count) % count === i % count ? 1 : 0;
        expectEqual(
          compute({ map, v }, (k, { map, v }) => k.applyAttentionMap(map, v)),
          v,
        );
      },
    ));

  it('a token alone attends to itself', () =>
    holds(
      fc
        .tuple(extent(3), extent(4))
        .chain(([h, d]) => fc.tuple(fc.constant(h), several(dtype, [2, 1, h * d], [2, 1, h * d], [2, 1, h * d]))),
      ([heads, [q, key, v]]) =>
        expectEqual(
          compute({ q, key, v }, (k, { q, key, v }) => k.attention(q, key, v, heads, 0.7)),
          v,
        ),
    ));

  it('attention does not see the order of the queries', () =>
    holds(attentions(dtype, 'any'), ({ q, k: key, v, heads, scale }) => {
      type Given = Readonly<Record<'q' | 'key' | 'v', Tensor>>;
      const attention = (k: Kernels, { q, key, v }: Given): Tensor => k.attention(q, key, v, heads, scale);
      const attend = (q: Tensor): Tensor => compute({ q, key, v }, attention);
      expectSameBits(attend(reversed(q)), reversed(attend(q)));
    }));
}

/** Equal but for the sign of zeros: a sum from +0 cannot be −0. */
function expectEqual(actual: Tensor, expected: Tensor): void {
  expect(actual.data.length).toBe(expected.data.length);
  expect(actual.data.every((value, i) => value === expected.data[i])).toBe(true);
}

/** The tokens of x [B,N,D] in the opposite order. */
function reversed(x: Tensor): Tensor {
  const [B, N, D] = x.shape;
  const out = zeros(x.dtype, x.shape);
  for (let b = 0; b < B; b++) {
    for (let n = 0; n < N; n++) {
      const from = (b * N + n) * D;
      out.data.set(x.data.subarray(from, from + D), (b * N + N - 1 - n) * D);
    }
  }
  return out;
}
