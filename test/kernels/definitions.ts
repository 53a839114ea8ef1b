/**
 * The definitions of the kernels a second time, written without regard to speed and without a line of src/kernels: one
 * output at a time, every product of a sum listed, every rounding spelled out. The kernels must give the same bits.
 */
import { exp, expf } from '../../src/tensor/math/index.ts';
import { roundInPlace } from '../../src/tensor/rounding.ts';
import { allocate, sizeOf, tensor, type DType, type Tensor } from '../../src/tensor/tensor.ts';
import type { Attention, Convolution } from './arbitraries.ts';

type Round = (x: number) => number;

/** Terms of a run. */
const RUN = 64;

/** How one arithmetic operation rounds: f16 and bf16 are computed as f32. */
export function rounding(dtype: DType): Round {
  return dtype === 'f64' ? (x) => x : Math.fround;
}

/** The tensor whose elements are f(indices), stored as `dtype`. */
function generate(dtype: DType, shape: readonly number[], f: (...indices: number[]) => number): Tensor {
  const data = allocate(dtype, sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    const indices: number[] = [];
    for (let rest = i, axis = shape.length - 1; axis >= 0; axis--) {
      indices.unshift(rest % shape[axis]);
      rest = Math.floor(rest / shape[axis]);
    }
    data[i] = f(...indices);
  }
  roundInPlace(dtype, data);
  return tensor(dtype, shape, data);
}

/** The element of x at these indices. */
export function element(x: Tensor, ...indices: readonly number[]): number {
  return x.data[indices.reduce((at, index, axis) => at * x.shape[axis] + index, 0)];
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** The sum in runs: each run from +0 in order, then run after run to a total that starts at +0. */
export function sumInRuns(products: readonly number[], run: number, round: Round): number {
  let total = 0;
  for (let start = 0; start < products.length; start += run) {
    total = round(total + products.slice(start, start + run).reduce((sum, product) => round(sum + product), 0));
  }
  return total;
}

/** The sum in lanes: term i to lane i mod `lanes`, then the lanes halved. */
export function sumInLanes(terms: readonly number[], lanes: number, round: Round): number {
  const sums = indices(lanes).map((lane) =>
    terms.filter((_, i) => i % lanes === lane).reduce((sum, term) => round(sum + term), 0),
  );
  const halve = (values: readonly number[]): number => {
    if (values.length === 1) return values[0];
    const half = values.length / 2;
    return halve(indices(half).map((i) => round(values[i] + values[i + half])));
  };
  return halve(sums);
}

export function conv2d({ x, weight, bias, stride, padding, seam }: Convolution & { readonly seam?: number }): Tensor {
  const round = rounding(x.dtype);
  const [batch, channels, height, width] = x.shape;
  const [outChannels, , kernelHeight, kernelWidth] = weight.shape;
  const outHeight = Math.floor((height + padding.top + padding.bottom - kernelHeight) / stride) + 1;
  const outWidth = Math.floor((width + padding.left + padding.right - kernelWidth) / stride) + 1;
  const area = kernelHeight * kernelWidth;
  return generate(x.dtype, [batch, outChannels, outHeight, outWidth], (b, o, outY, outX) => {
    const products: number[] = [];
    for (let c = 0; c < channels; c++) {
      for (let ky = 0; ky < kernelHeight; ky++) {
        for (let kx = 0; kx < kernelWidth; kx++) {
          const [inY, inX] = [outY * stride + ky - padding.top, outX * stride + kx - padding.left];
          const inside = inY >= 0 && inY < height && inX >= 0 && inX < width;
          products.push(round(element(weight, o, c, ky, kx) * (inside ? element(x, b, c, inY, inX) : 0)));
        }
      }
    }
    const sumOf = (terms: readonly number[]): number => sumInRuns(terms, Math.ceil(RUN / area) * area, round);
    const first = sumOf(products.slice(0, (seam ?? channels) * area));
    const offset = bias ? round(first + bias.data[o]) : first;
    return seam === undefined ? offset : round(offset + sumOf(products.slice(seam * area)));
  });
}

/** x [R,C]. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const round = rounding(x.dtype);
  const [rows, channels] = x.shape;
  return generate(x.dtype, [rows, weight.shape[0]], (r, o) => {
    const sum = sumInRuns(
      indices(channels).map((c) => round(element(x, r, c) * element(weight, o, c))),
      RUN,
      round,
    );
    return bias ? round(sum + bias.data[o]) : sum;
  });
}

function statistics(values: readonly number[], eps: number): { mean: number; rstd: number } {
  const exact: Round = (x) => x;
  const mean = sumInLanes(values, 8, exact) / values.length;
  const variance =
    sumInLanes(
      values.map((x) => (x - mean) * (x - mean)),
      8,
      exact,
    ) / values.length;
  return { mean, rstd: 1 / Math.sqrt(variance + eps) };
}

/** x [B,C,H,W]. */
export function groupNorm(x: Tensor, groups: number, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const round = rounding(x.dtype);
  const [batch, channels] = x.shape;
  const perSample = x.data.length / batch;
  const perGroup = perSample / groups;
  return generate(x.dtype, x.shape, (b, c, y, column) => {
    const start = b * perSample + Math.floor(c / (channels / groups)) * perGroup;
    const { mean, rstd } = statistics([...x.data.subarray(start, start + perGroup)], eps);
    const scale = round(rstd * weight.data[c]);
    const shift = round(bias.data[c] - mean * scale);
    return round(round(element(x, b, c, y, column) * scale) + shift);
  });
}

/** x [R,C]. */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, eps: number): Tensor {
  const round = rounding(x.dtype);
  const channels = x.shape[1];
  return generate(x.dtype, x.shape, (r, c) => {
    const { mean, rstd } = statistics([...x.data.subarray(r * channels, (r + 1) * channels)], eps);
    return round(round(round((element(x, r, c) - mean) * rstd) * weight.data[c]) + bias.data[c]);
  });
}

function softmaxRow(row: readonly number[], dtype: DType): number[] {
  const round = rounding(dtype);
  const max = Math.max(...row);
  const powers = row.map((x) => (dtype === 'f64' ? exp : expf)(round(x - max)));
  const total = sumInLanes(powers, 16, round);
  return powers.map((power) => round(power / total));
}

/** x [R,N]. */
export function softmax(x: Tensor): Tensor {
  const [rows, length] = x.shape;
  const results = indices(rows).map((r) => softmaxRow([...x.data.subarray(r * length, (r + 1) * length)], x.dtype));
  return generate(x.dtype, x.shape, (r, i) => results[r][i]);
}

export function attentionMap({ q, k, heads, scale }: Omit<Attention, 'v'>): Tensor {
  const round = rounding(q.dtype);
  const [batch, queries, channels] = q.shape;
  const keys = k.shape[1];
  const size = channels / heads;
  const row = (b: number, h: number, n: number): number[] =>
    softmaxRow(
      indices(keys).map((m) => {
        const products = indices(size).map((i) =>
          round(element(q, b, n, h * size + i) * element(k, b, m, h * size + i)),
        );
        return round(sumInRuns(products, RUN, round) * round(scale));
      }),
      q.dtype,
    );
  const rows = new Map<string, number[]>();
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++) for (let n = 0; n < queries; n++) rows.set(`${b},${h},${n}`, row(b, h, n));
  return generate(q.dtype, [batch, heads, queries, keys], (b, h, n, m) => rows.get(`${b},${h},${n}`)![m]);
}

export function applyAttentionMap(map: Tensor, v: Tensor): Tensor {
  const round = rounding(v.dtype);
  const [batch, heads, queries, keys] = map.shape;
  const channels = v.shape[2];
  return generate(v.dtype, [batch, queries, channels], (b, n, c) => {
    const head = Math.floor(c / (channels / heads));
    return sumInRuns(
      indices(keys).map((m) => round(element(map, b, head, n, m) * element(v, b, m, c))),
      RUN,
      round,
    );
  });
}

/** x [B,C,H,W]. */
export function averagePool2x(x: Tensor): Tensor {
  const round = rounding(x.dtype);
  const [batch, channels, height, width] = x.shape;
  return generate(x.dtype, [batch, channels, Math.floor(height / 2), Math.floor(width / 2)], (b, c, y, column) => {
    const [first, ...rest] = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ].map(([i, j]) => element(x, b, c, 2 * y + i, 2 * column + j));
    return round(rest.reduce((sum, pixel) => round(sum + pixel), first) * 0.25);
  });
}

export function upsampleNearest2x(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  return generate(x.dtype, [batch, channels, 2 * height, 2 * width], (b, c, y, column) =>
    element(x, b, c, y >> 1, column >> 1),
  );
}

/**
 * Which of three weights meet each of the two pixels that copies of an output's neighbours come from; even outputs
 * first.
 */
const PHASES = [
  [[0], [1, 2]],
  [[0, 1], [2]],
];

/** A kernel of 3 × 3 over the doubled picture: of the weights that meet one pixel, rows are added first. */
export function upsampleConv2d(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const round = rounding(x.dtype);
  const [batch, channels, height, width] = x.shape;
  return generate(x.dtype, [batch, weight.shape[0], 2 * height, 2 * width], (b, o, y, column) => {
    const products = indices(channels).flatMap((c) =>
      PHASES[y % 2].flatMap((rows, i) =>
        PHASES[column % 2].map((columns, j) => {
          const sums = columns.map((kx) =>
            rows.map((ky) => element(weight, o, c, ky, kx)).reduce((sum, value) => round(sum + value)),
          );
          const [row, place] = [(y >> 1) + i - 1 + (y % 2), (column >> 1) + j - 1 + (column % 2)];
          const inside = row >= 0 && row < height && place >= 0 && place < width;
          return round(sums.reduce((sum, value) => round(sum + value)) * (inside ? element(x, b, c, row, place) : 0));
        }),
      ),
    );
    const sum = sumInRuns(products, RUN, round);
    return bias ? round(sum + element(bias, o)) : sum;
  });
}

/** f(a, b), where b has a's shape or is [B,C] and a [B,C,…]. */
export function pairwise(a: Tensor, b: Tensor, f: (x: number, y: number) => number): Tensor {
  return generate(a.dtype, a.shape, (...at) => f(element(a, ...at), element(b, ...at.slice(0, b.shape.length))));
}
