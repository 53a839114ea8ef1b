/**
 * Attention, per head: Q and K make scores, their softmax is the map, the map mixes V.
 *
 *     forward   S = scale · Q Kᵀ     P = softmax(S)                O = P V
 *     back      dV = Pᵀ dO           dP = dO Vᵀ
 *               dS = P · (dP − Σ dP · P)
 *               dQ = scale · dS K    dK = scale · dSᵀ Q
 *
 * Each product is one that attention has already: q kᵀ is `attentionScores`, and a map times v `applyAttentionMap`. A
 * bias that all keys have in common moves all scores of a query alike, which the softmax undoes: its gradient is 0.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../kernels.ts';
import { backThroughSoftmax } from './norms.ts';
import { shared, type Rules } from './rule.ts';

/** Products of tokens with tokens, and what is made of them. */
export const attention: Rules<'attentionScores' | 'attentionMap' | 'applyAttentionMap' | 'attention'> = {
  attention({ kernels, attributes: { heads, scale }, inputs: [q, k, v], gradient }) {
    const map = kernels.attentionMap(q, k, heads, scale);
    const ofMap = (): Tensor => kernels.attentionScores(gradient, v, heads, 1);
    const ofScores = shared(() => backThroughSoftmax(kernels, map, ofMap()));
    return [
      () => ofQueries(kernels, ofScores(), k, scale),
      () => ofKeys(kernels, ofScores(), q, scale),
      () => kernels.applyAttentionMap(transposed(kernels, map), gradient),
    ];
  },

  attentionMap({ kernels, attributes: { scale }, inputs: [q, k], output: map, gradient }) {
    const ofScores = shared(() => backThroughSoftmax(kernels, map, gradient));
    return [() => ofQueries(kernels, ofScores(), k, scale), () => ofKeys(kernels, ofScores(), q, scale)];
  },

  attentionScores: ({ kernels, attributes: { scale }, inputs: [q, k], gradient }) => [
    () => ofQueries(kernels, gradient, k, scale),
    () => ofKeys(kernels, gradient, q, scale),
  ],

  applyAttentionMap({ kernels, inputs: [map, v], gradient }) {
    const [, heads] = map.shape;
    return [
      () => kernels.attentionScores(gradient, v, heads, 1),
      () => kernels.applyAttentionMap(transposed(kernels, map), gradient),
    ];
  },
};

/** dQ = scale · dS K: [B,h,N,M], [B,M,D] → [B,N,D]. */
function ofQueries(kernels: Kernels, ofScores: Tensor, k: Tensor, scale: number): Tensor {
  return kernels.affine(kernels.applyAttentionMap(ofScores, k), scale, 0);
}

/** dK = scale · dSᵀ Q: [B,h,N,M], [B,N,D] → [B,M,D]. */
function ofKeys(kernels: Kernels, ofScores: Tensor, q: Tensor, scale: number): Tensor {
  return kernels.affine(kernels.applyAttentionMap(transposed(kernels, ofScores), q), scale, 0);
}

/** Who is listened to by whom: [B,h,N,M] → [B,h,M,N], head by head as tokens that become pixels. */
function transposed(kernels: Kernels, map: Tensor): Tensor {
  const [, heads, queries, keys] = map.shape;
  const ofHead = (head: number): Tensor => {
    const tokens = kernels.reshape(kernels.sliceChannels(map, head, head + 1), [queries, keys]);
    return kernels.reshape(kernels.fromTokens(tokens, queries, 1), [1, keys, queries]);
  };
  return Array.from({ length: heads }, (_, head) => ofHead(head)).reduce((a, b) => kernels.concatChannels(a, b));
}
