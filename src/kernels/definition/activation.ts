/**
 * The activation functions (torch.nn.SiLU, GELU in its exact form, Mish, ReLU, Tanh; CLIP's QuickGELU), element by element.
 *
 *     silu(x) = x / (1 + e⁻ˣ)          gelu(x) = x · Φ(x), Φ the normal distribution
 *     mish(x) = x · tanh(ln(1 + eˣ))   relu(x) = max(x, 0)
 *     quick_gelu(x) = x / (1 + e^(−1.702 x))
 *
 * They are the operations that bend: without them all layers but attention and the norms would be one linear map.
 */
import { gelu, geluf, mish, mishf, quickGelu, quickGeluf, silu, siluf, tanh, tanhf } from '../../tensor/math/index.ts';
import { allocate, type Tensor } from '../../tensor/tensor.ts';
import type { Activation } from '../kernels.ts';
import { stored } from './rounding.ts';

/** NaN stays NaN, and −0 becomes +0. */
const relu = (x: number): number => Math.max(x, 0);

const inSingle: Readonly<Record<Activation, (x: number) => number>> = {
  silu: siluf,
  gelu: geluf,
  mish: mishf,
  relu,
  quick_gelu: quickGeluf,
  tanh: tanhf,
};
const inDouble: Readonly<Record<Activation, (x: number) => number>> = {
  silu,
  gelu,
  mish,
  relu,
  quick_gelu: quickGelu,
  tanh,
};

/**
 * @param x of any shape
 * @param kind computed in double for f64 and in f32 for the others; how exactly, the functions of tensor/math say
 * @returns the shape of x
 */
export function activation(x: Tensor, kind: Activation): Tensor {
  const f = (x.dtype === 'f64' ? inDouble : inSingle)[kind];
  const out = allocate(x.dtype, x.data.length);
  for (let i = 0; i < out.length; i++) out[i] = f(x.data[i]);
  return stored(x.dtype, x.shape, out);
}
