/** Attention, whole and by its map, bit by bit. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { tensor } from '../../../../src/tensor/tensor.ts';
import { noise, onAllBackends, runs, seeds, small, tensorOf } from '../support.ts';

const check = onAllBackends();

describe('the same bits as the plain loop', () => {
  test('attention, with and without its map', () => {
    fc.assert(
      fc.property(small(3), small(3), small(9), small(40), small(40), seeds, (b, heads, size, n, m, seed) => {
        const d = heads * size;
        const scale = 1 / Math.sqrt(size);
        check(
          (k, { q, k: key, v }) => {
            const map = k.attentionMap(q, key, heads, scale);
            return { map, byMap: k.applyAttentionMap(map, v), y: k.attention(q, key, v, heads, scale) };
          },
          { q: tensorOf([b, n, d], seed), k: tensorOf([b, m, d], seed + 1), v: tensorOf([b, m, d], seed + 3) },
        );
      }),
      runs,
    );
  });

  test('scores so far apart that powers become subnormal, or nothing, or NaN', () => {
    const reaches = fc.constantFrom(1, 20, 30, 45, 60, 1000, 3e38);
    fc.assert(
      fc.property(
        reaches,
        small(20),
        fc.integer({ min: 1, max: 300 }),
        fc.boolean(),
        seeds,
        (reach, n, m, odd, seed) => {
          const numbers = noise([1, m, 1], seed).data.map((number) => reach * number);
          if (odd) numbers[seed % m] = [NaN, -Infinity, Infinity][seed % 3] ?? 0;
          check((k, { q, k: key, v }) => ({ map: k.attentionMap(q, key, 1, 1), y: k.attention(q, key, v, 1, 1) }), {
            q: tensor('f32', [1, n, 1], new Float32Array(n).fill(1)),
            k: tensor('f32', [1, m, 1], numbers),
            v: noise([1, m, 1], seed + 1),
          });
        },
      ),
      runs,
    );
  });
});
