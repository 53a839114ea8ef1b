/** Attention as ports compute it: the scale before or after the product, logits stored or not, the softmax online. */
import type { Kernels } from '../../kernels/kernels.ts';
import { runLength } from '../../kernels/definition/sums.ts';
import { softmaxRows } from '../../kernels/plain/softmax.ts';
import { expf } from '../../tensor/math/index.ts';
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { transposed, type Product } from '../matrix/products.ts';
import type { ProductOf } from './products.ts';
import { singleSoftmaxRows } from './single-steps.ts';
import { stored } from './stored.ts';

const f32 = Math.fround;

/** In what ports may differ when they attend; by default they do as the reference does. */
export interface AttentionArithmetic {
  /** Attention logits are rounded to the storage before the softmax, as where they are written to memory. */
  readonly storedLogits?: boolean;
  /** The scale is applied to the queries, before the product. */
  readonly scaledQueries?: boolean;
  /** Softmax block by block with a running maximum, normalised at the end (FlashAttention). */
  readonly onlineSoftmax?: boolean;
  /** e^x of the softmax; the reference's own, unless given. */
  readonly exp?: (x: number) => number;
}

type Attention = Pick<Kernels, 'attentionScores' | 'attentionMap' | 'applyAttentionMap' | 'attention'>;

/** The logits of one head, [N,M], from q [B,N,D] and k [B,M,D]. */
function logitsOf(product: Product, { scaledQueries, storedLogits }: AttentionArithmetic) {
  return (q: Tensor, k: Tensor, b: number, h: number, heads: number, scale: number): FloatArray => {
    const [queries, keys, size] = [q.shape[1], k.shape[1], q.shape[2] / heads];
    const query = headOf(q, b, h, size);
    const factor = q.dtype === 'f64' ? scale : f32(scale);
    if (scaledQueries) for (let i = 0; i < query.length; i++) query[i] *= factor;
    const out = product(query, transposed(headOf(k, b, h, size), keys, size), queries, size, keys);
    if (!scaledQueries) for (let i = 0; i < out.length; i++) out[i] *= factor;
    if (storedLogits) roundInPlace(q.dtype, out);
    return out;
  };
}

/** The kernels of attention. */
export function honestAttention(productOf: ProductOf, arithmetic: AttentionArithmetic): Attention {
  const product = productOf(runLength);
  const logits = logitsOf(product, arithmetic);
  const perHead = (q: Tensor, k: Tensor, heads: number, scale: number, ofRows: (rows: FloatArray) => void): Tensor => {
    const [batch, queries, keys] = [q.shape[0], q.shape[1], k.shape[1]];
    const out = allocate(q.dtype, batch * heads * queries * keys);
    for (let b = 0; b < batch; b++)
      for (let h = 0; h < heads; h++) {
        const rows = logits(q, k, b, h, heads, scale);
        ofRows(rows);
        out.set(rows, (b * heads + h) * queries * keys);
      }
    return stored(q, [batch, heads, queries, keys], out);
  };
  const attentionScores: Kernels['attentionScores'] = (...given) => perHead(...given, () => {});
  const attentionMap: Kernels['attentionMap'] = (q, k, heads, scale) =>
    perHead(q, k, heads, scale, (rows) => {
      if (arithmetic.exp) singleSoftmaxRows(rows, k.shape[1], arithmetic.exp);
      else softmaxRows(rows, k.shape[1]);
    });

  const applyAttentionMap: Kernels['applyAttentionMap'] = (map, v) => {
    const [batch, heads, queries, keys] = map.shape;
    const channels = v.shape[2];
    const size = channels / heads;
    const out = allocate(map.dtype, batch * queries * channels);
    for (let b = 0; b < batch; b++)
      for (let h = 0; h < heads; h++) {
        const first = (b * heads + h) * queries * keys;
        const rows = map.data.subarray(first, first + queries * keys);
        const mixed = product(rows, headOf(v, b, h, size), queries, keys, size);
        for (let n = 0; n < queries; n++)
          out.set(mixed.subarray(n * size, (n + 1) * size), (b * queries + n) * channels + h * size);
      }
    return stored(map, [batch, queries, channels], out);
  };

  const attention: Kernels['attention'] = (q, k, v, heads, scale) => {
    if (!arithmetic.onlineSoftmax) return applyAttentionMap(attentionMap(q, k, heads, scale), v);
    const [batch, queries, channels] = q.shape;
    const [keys, size] = [k.shape[1], channels / heads];
    const out = allocate(q.dtype, q.data.length);
    for (let b = 0; b < batch; b++)
      for (let h = 0; h < heads; h++) {
        const [rows, value] = [logits(q, k, b, h, heads, scale), headOf(v, b, h, size)];
        for (let n = 0; n < queries; n++) {
          const mixed = onlineRow(rows.subarray(n * keys, (n + 1) * keys), value, size, arithmetic.exp ?? expf);
          out.set(mixed, (b * queries + n) * channels + h * size);
        }
      }
    return stored(q, q.shape, out);
  };

  return { attentionScores, attentionMap, applyAttentionMap, attention };
}

/** Σ softmax(row)·v over blocks of eight keys, rescaled whenever the maximum grows. */
function onlineRow(row: FloatArray, value: FloatArray, size: number, exp: (x: number) => number): Float32Array {
  const mixed = new Float32Array(size);
  let [top, total] = [-Infinity, 0];
  for (let start = 0; start < row.length; start += 8) {
    const block = row.subarray(start, start + 8);
    const raised = Math.max(top, ...block);
    if (raised === -Infinity) continue;
    const shrink = exp(f32(top - raised));
    total = f32(total * shrink);
    for (let d = 0; d < size; d++) mixed[d] *= shrink;
    block.forEach((logit, i) => {
      const p = exp(f32(logit - raised));
      total = f32(total + p);
      for (let d = 0; d < size; d++) mixed[d] += f32(p * value[(start + i) * size + d]);
    });
    top = raised;
  }
  return mixed.map((sum) => sum / total);
}

/** The channels of one head of one sample: [N, d]. */
export function headOf(x: Tensor, sample: number, head: number, size: number): FloatArray {
  const [, tokens, channels] = x.shape;
  const out = allocate(x.dtype, tokens * size);
  for (let n = 0; n < tokens; n++) {
    const from = (sample * tokens + n) * channels + head * size;
    out.set(x.data.subarray(from, from + size), n * size);
  }
  return out;
}
