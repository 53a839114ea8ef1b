/**
 * Attention as two matrix products for each head.
 *
 *     map [N,M] = softmax(Q [N,d] · Kᵀ [d,M] · scale),   out [N,d] = map · V [M,d]
 *
 * Against definition/attention: a head's channels are copied out of q, k and v, so that they lie together, and the
 * whole never holds the map, but some of its rows at a time.
 */
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, sizeOf, tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { matmul, transpose } from './matmul.ts';
import { softmaxRows } from './softmax.ts';

/** So many queries are mixed at a time, that the map is never held whole. */
const queriesAtOnce = 32;

/** As in definition/attention. */
export function attention(q: Tensor, k: Tensor, v: Tensor, heads: number, scale: number): Tensor {
  const { dtype } = q;
  const [batch, queries, channels] = q.shape;
  const keys = k.shape[1];
  const headSize = channels / heads;
  const out = allocate(dtype, q.data.length);
  const map = allocate(dtype, queriesAtOnce * keys);
  const mixed = allocate(dtype, queriesAtOnce * headSize);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const query = headOf(q, b, h, headSize);
      const keyColumns = transpose(headOf(k, b, h, headSize), keys, headSize);
      const value = headOf(v, b, h, headSize);
      for (let first = 0; first < queries; first += queriesAtOnce) {
        const count = Math.min(queriesAtOnce, queries - first);
        const rows = map.subarray(0, count * keys);
        mapRows(rows, query.subarray(first * headSize), keyColumns, count, headSize, keys, scale);
        roundInPlace(dtype, rows);
        matmul(mixed, rows, value, count, keys, headSize);
        for (let n = 0; n < count; n++) {
          out.set(
            mixed.subarray(n * headSize, (n + 1) * headSize),
            (b * queries + first + n) * channels + h * headSize,
          );
        }
      }
    }
  }
  roundInPlace(dtype, out);
  return tensor(dtype, q.shape, out);
}

/** As in definition/attention. */
export function attentionScores(q: Tensor, k: Tensor, heads: number, scale: number): Tensor {
  return forEachHead(q, k, heads, scale, scoreRows);
}

/** As in definition/attention. */
export function attentionMap(q: Tensor, k: Tensor, heads: number, scale: number): Tensor {
  return forEachHead(q, k, heads, scale, mapRows);
}

/** [B,h,N,M], of which `rowsOf` fills the rows of a head. */
function forEachHead(q: Tensor, k: Tensor, heads: number, scale: number, rowsOf: typeof scoreRows): Tensor {
  const { dtype } = q;
  const [batch, queries, channels] = q.shape;
  const keys = k.shape[1];
  const headSize = channels / heads;
  const shape = [batch, heads, queries, keys];
  const out = allocate(dtype, sizeOf(shape));
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const keyColumns = transpose(headOf(k, b, h, headSize), keys, headSize);
      const first = (b * heads + h) * queries * keys;
      rowsOf(
        out.subarray(first, first + queries * keys),
        headOf(q, b, h, headSize),
        keyColumns,
        queries,
        headSize,
        keys,
        scale,
      );
    }
  }
  roundInPlace(dtype, out);
  return tensor(dtype, shape, out);
}

/** As in definition/attention. */
export function applyAttentionMap(map: Tensor, v: Tensor): Tensor {
  const { dtype } = map;
  const [batch, heads, queries, keys] = map.shape;
  const channels = v.shape.at(-1) ?? 0;
  const headSize = channels / heads;
  const out = allocate(dtype, batch * queries * channels);
  const mixed = allocate(dtype, queries * headSize);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const first = (b * heads + h) * queries * keys;
      matmul(
        mixed,
        map.data.subarray(first, first + queries * keys),
        headOf(v, b, h, headSize),
        queries,
        keys,
        headSize,
      );
      for (let n = 0; n < queries; n++) {
        out.set(mixed.subarray(n * headSize, (n + 1) * headSize), (b * queries + n) * channels + h * headSize);
      }
    }
  }
  roundInPlace(dtype, out);
  return tensor(dtype, [batch, queries, channels], out);
}

/** rows [count, keys] = softmax(query [count, d] · keyColumns [d, keys] · scale). */
function mapRows(...[rows, query, keyColumns, count, size, keys, scale]: Parameters<typeof scoreRows>): void {
  scoreRows(rows, query, keyColumns, count, size, keys, scale);
  softmaxRows(rows, keys);
}

/** rows [count, keys] = query [count, d] · keyColumns [d, keys] · scale. */
function scoreRows(
  rows: FloatArray,
  query: FloatArray,
  keyColumns: FloatArray,
  count: number,
  size: number,
  keys: number,
  scale: number,
): void {
  const factor = rows instanceof Float32Array ? Math.fround(scale) : scale;
  matmul(rows, query, keyColumns, count, size, keys);
  for (let i = 0; i < rows.length; i++) rows[i] *= factor;
}

/** The channels of one head of one sample, [N, d]. */
function headOf(x: Tensor, sample: number, head: number, headSize: number): FloatArray {
  const [, tokens, channels] = x.shape;
  const out = allocate(x.dtype, tokens * headSize);
  for (let n = 0; n < tokens; n++) {
    const from = (sample * tokens + n) * channels + head * headSize;
    out.set(x.data.subarray(from, from + headSize), n * headSize);
  }
  return out;
}
