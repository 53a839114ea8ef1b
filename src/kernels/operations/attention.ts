/** Attention over tokens, whole and in its two halves. */
import { shown } from '../../tensor/shown.ts';
import { dimensions, expect, expectHeads, expectShape } from './checks.ts';
import type { Attributes, Rows, Shape } from './operation.ts';

/** Products of tokens with tokens, and what is made of them. */
export const attention: Rows<'attentionScores' | 'attentionMap' | 'applyAttentionMap' | 'attention'> = {
  attentionScores: {
    read: (q, k, heads, scale) => ({
      tensors: [q, k],
      attributes: { heads, scale },
    }),
    shape(attributes, [q, k]) {
      const [batch, queries, , keys] = extents('attentionScores', attributes, q, k);
      return [batch, attributes.heads, queries, keys];
    },
    products: (_, [[batch, queries, channels], [, keys]]) => batch * queries * keys * channels,
    apply: (kernels, { heads, scale }, [q, k]) => kernels.attentionScores(q, k, heads, scale),
  },
  attentionMap: {
    read: (q, k, heads, scale) => ({
      tensors: [q, k],
      attributes: { heads, scale },
    }),
    shape(attributes, [q, k]) {
      const [batch, queries, , keys] = extents('attentionMap', attributes, q, k);
      return [batch, attributes.heads, queries, keys];
    },
    products: (_, [[batch, queries, channels], [, keys]]) => batch * queries * keys * channels,
    apply: (kernels, { heads, scale }, [q, k]) => kernels.attentionMap(q, k, heads, scale),
  },
  applyAttentionMap: {
    read: (map, v) => ({ tensors: [map, v], attributes: {} }),
    shape(_, [map, v]) {
      const [batch, heads, queries, keys] = dimensions('applyAttentionMap', map, 'B,h,N,M');
      const [, , channels] = dimensions('applyAttentionMap', v, 'B,M,D');
      expectShape('applyAttentionMap', 'the value', v, [batch, keys, channels]);
      expectHeads('applyAttentionMap', heads, channels);
      return [batch, queries, channels];
    },
    products: (_, [[batch, , queries, keys], [, , channels]]) => batch * queries * keys * channels,
    apply: (kernels, _, [map, v]) => kernels.applyAttentionMap(map, v),
  },
  attention: {
    read: (q, k, v, heads, scale) => ({
      tensors: [q, k, v],
      attributes: { heads, scale },
    }),
    shape(attributes, [q, k, v]) {
      const [batch, , channels, keys] = extents('attention', attributes, q, k);
      expectShape('attention', 'the value', v, [batch, keys, channels]);
      return q;
    },
    products: (_, [[batch, queries, channels], [, keys]]) => 2 * batch * queries * keys * channels,
    apply: (kernels, { heads, scale }, [q, k, v]) => kernels.attention(q, k, v, heads, scale),
  },
};

/** [B, N, D, M] of queries [B,N,D] and keys [B,M,D]. */
function extents(operation: string, { heads, scale }: Attributes['attention'], q: Shape, k: Shape): Shape {
  const [batch, queries, channels] = dimensions(operation, q, 'B,N,D');
  const [, keys] = dimensions(operation, k, 'B,M,D');
  expectShape(operation, 'the key', k, [batch, keys, channels]);
  expectHeads(operation, heads, channels);
  expect(operation, Number.isFinite(scale), `the scale is ${shown(scale)}; it must be a finite number`);
  return [batch, queries, channels, keys];
}
