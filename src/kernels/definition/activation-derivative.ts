/**
 * The derivatives of the activation functions, element by element: how much of the gradient comes through. With s the
 * logistic function, Φ and φ the normal distribution and its density:
 *
 *     silu′(x) = s(x) (1 + x (1 − s(x)))     gelu′(x) = Φ(x) + x φ(x)
 *     relu′(x) = 1 where x > 0, else 0       tanh′(x) = 1 − tanh² x
 *     mish′(x) = t + x t′, t = tanh(ln(1 + eˣ))
 *     quick_gelu′(x) = silu′(1.702 x)
 */
import {
  geluDerivative,
  mishDerivative,
  quickGeluDerivative,
  reluDerivative,
  siluDerivative,
  siluDerivativef,
  tanhDerivative,
} from '../../tensor/math/index.ts';
import { allocate, type Tensor } from '../../tensor/tensor.ts';
import type { Activation } from '../kernels.ts';
import { stored } from './rounding.ts';

const inDouble: Readonly<Record<Activation, (x: number) => number>> = {
  silu: siluDerivative,
  gelu: geluDerivative,
  mish: mishDerivative,
  relu: reluDerivative,
  quick_gelu: quickGeluDerivative,
  tanh: tanhDerivative,
};

/**
 * Computed in double and rounded once; SiLU's, which stands in every ResNet block, is computed in f32 but for f64.
 * @param x of any shape: what the activation function was given
 * @returns the shape of x
 */
export function activationDerivative(x: Tensor, kind: Activation): Tensor {
  const f = kind === 'silu' && x.dtype !== 'f64' ? siluDerivativef : inDouble[kind];
  const out = allocate(x.dtype, x.data.length);
  for (let i = 0; i < out.length; i++) out[i] = f(x.data[i]);
  return stored(x.dtype, x.shape, out);
}
