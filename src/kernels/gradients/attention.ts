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
      () => kernels.applyAttentionMap(kernels.transposeMap(map), gradient),
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
      () => kernels.applyAttentionMap(kernels.transposeMap(map), gradient),
    ];
  },
};

/** dQ = scale · dS K: [B,h,N,M], [B,M,D] → [B,N,D]. */
function ofQueries(kernels: Kernels, ofScores: Tensor, k: Tensor, scale: number): Tensor {
  return kernels.affine(kernels.applyAttentionMap(ofScores, k), scale, 0);
}

/** dK = scale · dSᵀ Q: [B,h,N,M], [B,N,D] → [B,M,D]. */
function ofKeys(kernels: Kernels, ofScores: Tensor, q: Tensor, scale: number): Tensor {
  return kernels.affine(kernels.applyAttentionMap(kernels.transposeMap(ofScores), q), scale, 0);
}
