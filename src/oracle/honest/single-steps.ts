/** Norms and activations in single precision, every step rounded, as ports compute them who have no doubles. */
import type { Kernels } from '../../kernels/kernels.ts';
import { referenceKernels } from '../../kernels/plain/index.ts';
import type { FloatArray } from '../../tensor/tensor.ts';
import { stored } from './stored.ts';

const f32 = Math.fround;

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

/** Group norm in single steps. */
export const singleGroupNorm: Kernels['groupNorm'] = (x, groups, weight, bias, eps) => {
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

/** Layer norm in single steps. */
export const singleLayerNorm: Kernels['layerNorm'] = (x, weight, bias, eps) => {
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

/** The functions of which activations are made. */
export interface Functions {
  readonly exp: (x: number) => number;
  readonly erf: (x: number) => number;
}

/**
 * SiLU as x / (1 + e^−x), GELU as x/2 · (1 + erf(x/√2)), Mish as x · n/(n + 2) with n = e (e + 2), e = e^x; each step
 * rounded.
 */
export const singleActivation =
  ({ exp, erf }: Functions): Kernels['activation'] =>
  (x, kind) => {
    // Nobody puts a tanh together: it would lose what is near zero.
    if (kind === 'relu' || kind === 'tanh') return referenceKernels.activation(x, kind);
    const silu = (value: number): number => value / f32(1 + exp(-value));
    const quick_gelu = (value: number): number => value / f32(1 + exp(-f32(f32(1.702) * value)));
    const gelu = (value: number): number => f32(value * 0.5) * f32(1 + erf(f32(value * f32(Math.SQRT1_2))));
    const mish = (value: number): number => {
      const e = exp(Math.min(value, linear));
      const n = f32(e * f32(e + 2));
      return f32(value * f32(n / f32(n + 2)));
    };
    return stored(x, x.shape, Float32Array.from(x.data, { silu, gelu, mish, quick_gelu }[kind]));
  };

/** Beyond this mish is x to the last bit. */
const linear = 20;

/** Softmax of each row of `size` numbers, in place: its powers added one after another. */
export function singleSoftmaxRows(data: FloatArray, size: number, exp: (x: number) => number): void {
  for (let start = 0; start < data.length; start += size) {
    let [top, total] = [-Infinity, 0];
    for (let i = start; i < start + size; i++) top = Math.max(top, data[i]);
    for (let i = start; i < start + size; i++) {
      data[i] = exp(f32(data[i] - top));
      total = f32(total + data[i]);
    }
    for (let i = start; i < start + size; i++) data[i] /= total;
  }
}
