/** Norms and activations in single precision, every step rounded, as ports compute them who have no doubles. */
import type { Kernels } from '../../kernels/kernels.ts';
import { referenceKernels } from '../../kernels/plain/index.ts';
import { expf } from '../../tensor/math/index.ts';
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

/** SiLU as x / (1 + e^−x), GELU as x/2 · (1 + erf(x/√2)), each step rounded; the others as the reference has them. */
export const singleActivation =
  (erfOf: (x: number) => number): Kernels['activation'] =>
  (x, kind) => {
    if (kind !== 'silu' && kind !== 'gelu') return referenceKernels.activation(x, kind);
    const silu = (value: number): number => value / f32(1 + expf(-value));
    const gelu = (value: number): number => f32(value * 0.5) * f32(1 + erfOf(f32(value * f32(Math.SQRT1_2))));
    return stored(x, x.shape, Float32Array.from(x.data, kind === 'silu' ? silu : gelu));
  };

/** The error function as vector libraries approximate it, to 1.5e-7 (Abramowitz & Stegun 7.1.26). */
export function polynomialErf(x: number): number {
  const t = f32(1 / f32(1 + f32(0.3275911 * Math.abs(x))));
  const sum = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592].reduce(
    (total, c) => f32(f32(total * t) + f32(c)),
    0,
  );
  return Math.sign(x) * f32(1 - f32(f32(sum * t) * expf(f32(-x * x))));
}
