/**
 * Attention (torch.nn.functional.scaled_dot_product_attention): every query looks at all keys and takes from their
 * values.
 *
 *     map[b,head,n,m]     = softmax over m of scale · Σ_i q[b,n,head·d + i] · k[b,m,head·d + i]
 *     out[b,n,head·d + i] = Σ_m map[b,head,n,m] · v[b,m,head·d + i]
 *
 * N queries, M keys, D channels. The channels are parted among the heads, d = D / heads for each, and each head has a
 * map of its own. scale is 1 / √d in all models here.
 *
 * It is the one layer in which pixels exchange content, however far apart, and the content itself says who listens to
 * whom. That is why PAG perturbs it: with the identity for a map, out = v, and no token sees another.
 *
 * Its way back, for gradients, is in gradients/attention.ts.
 */
import { allocate, type Tensor } from '../../tensor/tensor.ts';
import { rounding, stored } from './rounding.ts';
import { softmaxRow } from './softmax.ts';
import { sumInRuns } from './sums.ts';

/**
 * Both halves, one after the other. Between them the map is stored, so in f16 and bf16 it is rounded.
 * @param q [B,N,D]
 * @param k [B,M,D]
 * @param v [B,M,D]
 * @param heads a divisor of D
 * @param scale of the dot products
 * @returns [B,N,D]
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, heads: number, scale: number): Tensor {
  return applyAttentionMap(attentionMap(q, k, heads, scale), v);
}

/**
 * How well each key fits each query. The products are added over the channels of a head, in runs; the sum is scaled.
 * @param q [B,N,D]
 * @param k [B,M,D]
 * @param heads a divisor of D
 * @param scale of the dot products
 * @returns [B,heads,N,M]
 */
export function attentionScores(q: Tensor, k: Tensor, heads: number, scale: number): Tensor {
  const [B, N, D] = q.shape;
  const M = k.shape[1];
  const d = D / heads;
  const factor = rounding(q.dtype)(scale);
  const products = allocate(q.dtype, d);
  const out = allocate(q.dtype, B * heads * N * M);
  for (let b = 0; b < B; b++) {
    for (let head = 0; head < heads; head++) {
      for (let n = 0; n < N; n++) {
        for (let m = 0; m < M; m++) {
          for (let i = 0; i < d; i++) {
            products[i] = q.data[(b * N + n) * D + head * d + i] * k.data[(b * M + m) * D + head * d + i];
          }
          out[((b * heads + head) * N + n) * M + m] = sumInRuns(products) * factor;
        }
      }
    }
  }
  return stored(q.dtype, [B, heads, N, M], out);
}

/**
 * Who listens to whom. The products are added over the channels of a head, in runs; the sum is scaled.
 * @param q [B,N,D]
 * @param k [B,M,D]
 * @param heads a divisor of D
 * @param scale of the dot products
 * @returns [B,heads,N,M], rows of sum 1
 */
export function attentionMap(q: Tensor, k: Tensor, heads: number, scale: number): Tensor {
  const [B, N, D] = q.shape;
  const M = k.shape[1];
  const d = D / heads;
  const factor = rounding(q.dtype)(scale);
  const products = allocate(q.dtype, d);
  const logits = allocate(q.dtype, M);
  const out = allocate(q.dtype, B * heads * N * M);
  for (let b = 0; b < B; b++) {
    for (let head = 0; head < heads; head++) {
      for (let n = 0; n < N; n++) {
        // 1. How well each key fits the query.
        for (let m = 0; m < M; m++) {
          for (let i = 0; i < d; i++) {
            products[i] = q.data[(b * N + n) * D + head * d + i] * k.data[(b * M + m) * D + head * d + i];
          }
          logits[m] = sumInRuns(products) * factor;
        }
        // 2. How much of the query's attention it gets.
        out.set(softmaxRow(logits), ((b * heads + head) * N + n) * M);
      }
    }
  }
  return stored(q.dtype, [B, heads, N, M], out);
}

/**
 * What is heard. The products are added over the keys, in runs.
 * @param map [B,heads,N,M]
 * @param v [B,M,D]
 * @returns [B,N,D]
 */
export function applyAttentionMap(map: Tensor, v: Tensor): Tensor {
  const [B, heads, N, M] = map.shape;
  const D = v.shape[2];
  const d = D / heads;
  const products = allocate(v.dtype, M);
  const out = allocate(v.dtype, B * N * D);
  for (let b = 0; b < B; b++) {
    for (let head = 0; head < heads; head++) {
      for (let n = 0; n < N; n++) {
        for (let i = 0; i < d; i++) {
          for (let m = 0; m < M; m++) {
            products[m] = map.data[((b * heads + head) * N + n) * M + m] * v.data[(b * M + m) * D + head * d + i];
          }
          out[(b * N + n) * D + head * d + i] = sumInRuns(products);
        }
      }
    }
  }
  return stored(v.dtype, [B, N, D], out);
}
