/**
 * The kernels of an honest port: the same operations as the reference, with sums in another order, other places of
 * rounding, other formulas for norms and softmax. All of them are legal; how far they lie apart is what a port may
 * deviate.
 */
import { erf, expf } from '../../tensor/math/index.ts';
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, sizeOf, tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { referenceKernels } from '../../kernels/plain/index.ts';
import { softmaxRows } from '../../kernels/plain/softmax.ts';
import { evenPadding } from '../../nn/layers.ts';
import type { Dot } from './dot.ts';

export interface Arithmetic {
  readonly dot: Dot;
  /** Rounds what is multiplied (TF32). */
  readonly multiplicand?: (values: FloatArray) => FloatArray;
  /** Norms and activations in single precision, step by step, not in double. */
  readonly singleSteps?: boolean;
  /** The error function as vector libraries approximate it, to 1.5e-7 (Abramowitz & Stegun 7.1.26). */
  readonly polynomialErf?: boolean;
  /** Attention logits are rounded to the storage before the softmax, as where they are written to memory. */
  readonly storedLogits?: boolean;
  /** The scale is applied to the queries, before the product. */
  readonly scaledQueries?: boolean;
  /** Softmax block by block with a running maximum, normalised at the end (FlashAttention). */
  readonly onlineSoftmax?: boolean;
}

const f32 = Math.fround;

export function honestKernels(arithmetic: Arithmetic): Kernels {
  const { dot, multiplicand = (values) => values } = arithmetic;

  const rowsByRows = (a: FloatArray, b: FloatArray, rows: number, columns: number, inner: number): Float32Array => {
    const [left, right] = [multiplicand(a), multiplicand(b)];
    const out = new Float32Array(rows * columns);
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) out[r * columns + c] = dot(left, r * inner, right, c * inner, inner);
    return out;
  };

  const conv2d: Kernels['conv2d'] = (x, weight, bias, stride, { top, bottom, left, right }) => {
    const [batch, channels, height, width] = x.shape;
    const [outChannels, , kh, kw] = weight.shape;
    const outHeight = Math.floor((height + top + bottom - kh) / stride) + 1;
    const outWidth = Math.floor((width + left + right - kw) / stride) + 1;
    const [pixels, inner] = [outHeight * outWidth, channels * kh * kw];
    const out = allocate(x.dtype, batch * outChannels * pixels);
    for (let b = 0; b < batch; b++) {
      const patches = new Float32Array(pixels * inner);
      let at = 0;
      for (let y = 0; y < outHeight; y++)
        for (let column = 0; column < outWidth; column++) {
          for (let c = 0; c < channels; c++)
            for (let i = 0; i < kh; i++)
              for (let j = 0; j < kw; j++, at++) {
                const [row, place] = [y * stride + i - top, column * stride + j - left];
                if (row >= 0 && row < height && place >= 0 && place < width)
                  patches[at] = x.data[((b * channels + c) * height + row) * width + place];
              }
        }
      const sums = rowsByRows(weight.data, patches, outChannels, pixels, inner);
      for (let i = 0; i < sums.length; i++)
        out[b * sums.length + i] = sums[i] + (bias ? bias.data[Math.floor(i / pixels)] : 0);
    }
    return stored(x, [batch, outChannels, outHeight, outWidth], out);
  };

  /** As ports do it: the picture is doubled first. */
  const upsampleConv2d: Kernels['upsampleConv2d'] = (x, weight, bias) =>
    conv2d(referenceKernels.upsampleNearest2x(x), weight, bias, 1, evenPadding(1));

  const linear: Kernels['linear'] = (x, weight, bias) => {
    const [outChannels, channels] = weight.shape;
    const rows = sizeOf(x.shape.slice(0, -1));
    const out = rowsByRows(x.data, weight.data, rows, outChannels, channels);
    if (bias) for (let i = 0; i < out.length; i++) out[i] += bias.data[i % outChannels];
    return stored(x, [...x.shape.slice(0, -1), outChannels], out);
  };

  /** The logits of one head, [N,M]. */
  const logits = (q: Tensor, k: Tensor, b: number, h: number, heads: number, scale: number): Float32Array => {
    const [queries, keys, size] = [q.shape[1], k.shape[1], q.shape[2] / heads];
    const query = headOf(q, b, h, size);
    if (arithmetic.scaledQueries) for (let i = 0; i < query.length; i++) query[i] *= f32(scale);
    const out = rowsByRows(query, headOf(k, b, h, size), queries, keys, size);
    if (!arithmetic.scaledQueries) for (let i = 0; i < out.length; i++) out[i] *= f32(scale);
    if (arithmetic.storedLogits) roundInPlace(q.dtype, out);
    return out;
  };

  const attentionMap: Kernels['attentionMap'] = (q, k, heads, scale) => {
    const [batch, queries, keys] = [q.shape[0], q.shape[1], k.shape[1]];
    const out = new Float32Array(batch * heads * queries * keys);
    for (let b = 0; b < batch; b++)
      for (let h = 0; h < heads; h++) {
        const rows = logits(q, k, b, h, heads, scale);
        softmaxRows(rows, keys);
        out.set(rows, (b * heads + h) * queries * keys);
      }
    return stored(q, [batch, heads, queries, keys], out);
  };

  const applyAttentionMap: Kernels['applyAttentionMap'] = (map, v) => {
    const [batch, heads, queries, keys] = map.shape;
    const channels = v.shape[2];
    const size = channels / heads;
    const out = new Float32Array(batch * queries * channels);
    for (let b = 0; b < batch; b++)
      for (let h = 0; h < heads; h++) {
        const first = (b * heads + h) * queries * keys;
        const mixed = rowsByRows(
          map.data.subarray(first, first + queries * keys),
          transposed(headOf(v, b, h, size), keys, size),
          queries,
          size,
          keys,
        );
        for (let n = 0; n < queries; n++)
          out.set(mixed.subarray(n * size, (n + 1) * size), (b * queries + n) * channels + h * size);
      }
    return stored(map, [batch, queries, channels], out);
  };

  const attention: Kernels['attention'] = (q, k, v, heads, scale) => {
    if (!arithmetic.onlineSoftmax) return applyAttentionMap(attentionMap(q, k, heads, scale), v);
    const [batch, queries, channels] = q.shape;
    const [keys, size] = [k.shape[1], channels / heads];
    const out = new Float32Array(q.data.length);
    for (let b = 0; b < batch; b++)
      for (let h = 0; h < heads; h++) {
        const [rows, value] = [logits(q, k, b, h, heads, scale), headOf(v, b, h, size)];
        for (let n = 0; n < queries; n++) {
          const mixed = onlineRow(rows.subarray(n * keys, (n + 1) * keys), value, size);
          out.set(mixed, (b * queries + n) * channels + h * size);
        }
      }
    return stored(q, q.shape, out);
  };

  const honest: Kernels = {
    ...referenceKernels,
    conv2d,
    joinedConv2d: (x, weight, bias, stride, padding) => conv2d(x, weight, bias, stride, padding),
    upsampleConv2d,
    linear,
    attentionMap,
    applyAttentionMap,
    attention,
  };
  const activation = singleActivation(arithmetic.polynomialErf ? polynomialErf : (x) => f32(erf(x)));
  return arithmetic.singleSteps
    ? { ...honest, groupNorm: singleGroupNorm, layerNorm: singleLayerNorm, activation }
    : honest;
}

/** Σ softmax(row)·v over blocks of eight keys, rescaled whenever the maximum grows. */
function onlineRow(row: Float32Array, value: Float32Array, size: number): Float32Array {
  const mixed = new Float32Array(size);
  let [top, total] = [-Infinity, 0];
  for (let start = 0; start < row.length; start += 8) {
    const block = row.subarray(start, start + 8);
    const raised = Math.max(top, ...block);
    if (raised === -Infinity) continue;
    const shrink = expf(f32(top - raised));
    total = f32(total * shrink);
    for (let d = 0; d < size; d++) mixed[d] *= shrink;
    block.forEach((logit, i) => {
      const p = expf(f32(logit - raised));
      total = f32(total + p);
      for (let d = 0; d < size; d++) mixed[d] += f32(p * value[(start + i) * size + d]);
    });
    top = raised;
  }
  return mixed.map((sum) => sum / total);
}

/** Mean and variance in two passes of single precision; (x − mean) · inverse · weight + bias, each step rounded. */
function singleNorm(
  x: Float32Array,
  weightOf: (i: number) => number,
  biasOf: (i: number) => number,
  eps: number,
): void {
  let sum = 0;
  for (const value of x) sum = f32(sum + value);
  const mean = f32(sum / x.length);
  let squares = 0;
  for (const value of x) {
    const deviation = f32(value - mean);
    squares = f32(squares + f32(deviation * deviation));
  }
  const inverse = f32(1 / f32(Math.sqrt(f32(f32(squares / x.length) + f32(eps)))));
  for (let i = 0; i < x.length; i++) x[i] = f32(f32(f32(x[i] - mean) * inverse) * weightOf(i)) + biasOf(i);
}

const singleGroupNorm: Kernels['groupNorm'] = (x, groups, weight, bias, eps) => {
  const [batch, channels] = x.shape;
  const pixels = x.data.length / (batch * channels);
  const size = (channels / groups) * pixels;
  const out = Float32Array.from(x.data);
  for (let g = 0; g < batch * groups; g++) {
    const channel = (i: number): number => (g % groups) * (channels / groups) + Math.floor(i / pixels);
    singleNorm(
      out.subarray(g * size, (g + 1) * size),
      (i) => weight.data[channel(i)],
      (i) => bias.data[channel(i)],
      eps,
    );
  }
  return stored(x, x.shape, out);
};

const singleLayerNorm: Kernels['layerNorm'] = (x, weight, bias, eps) => {
  const size = weight.data.length;
  const out = Float32Array.from(x.data);
  for (let start = 0; start < out.length; start += size)
    singleNorm(
      out.subarray(start, start + size),
      (i) => weight.data[i],
      (i) => bias.data[i],
      eps,
    );
  return stored(x, x.shape, out);
};

/** SiLU as x / (1 + e^−x), GELU as x/2 · (1 + erf(x/√2)), each step rounded; the others as the reference has them. */
const singleActivation =
  (erfOf: (x: number) => number): Kernels['activation'] =>
  (x, kind) => {
    if (kind !== 'silu' && kind !== 'gelu') return referenceKernels.activation(x, kind);
    const silu = (value: number): number => value / f32(1 + expf(-value));
    const gelu = (value: number): number => f32(value * 0.5) * f32(1 + erfOf(f32(value * f32(Math.SQRT1_2))));
    return stored(x, x.shape, Float32Array.from(x.data, kind === 'silu' ? silu : gelu));
  };

function polynomialErf(x: number): number {
  const t = f32(1 / f32(1 + f32(0.3275911 * Math.abs(x))));
  const sum = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592].reduce(
    (total, c) => f32(f32(total * t) + f32(c)),
    0,
  );
  return Math.sign(x) * f32(1 - f32(f32(sum * t) * expf(f32(-x * x))));
}

function headOf(x: Tensor, sample: number, head: number, size: number): Float32Array {
  const [, tokens, channels] = x.shape;
  const out = new Float32Array(tokens * size);
  for (let n = 0; n < tokens; n++) {
    const from = (sample * tokens + n) * channels + head * size;
    out.set(x.data.subarray(from, from + size), n * size);
  }
  return out;
}

function transposed(x: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, i) => x[(i % rows) * columns + Math.floor(i / rows)]);
}

function stored(like: Tensor, shape: readonly number[], data: FloatArray): Tensor {
  roundInPlace(like.dtype, data);
  return tensor(like.dtype, shape, data);
}
