/** Attention, whole and by its map, bit by bit. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { onAllBackends, runs, seeds, small, tensorOf } from '../support.ts';

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
});
