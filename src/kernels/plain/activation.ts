/** The activation functions (torch.nn.SiLU, GELU in its exact form, Mish, ReLU), element by element. */
import { gelu, geluf, mish, mishf, silu, siluf } from '../../tensor/math/index.ts';
import { roundInPlace } from '../../tensor/rounding.ts';
import { allocate, tensor, type Tensor } from '../../tensor/tensor.ts';
import type { Activation } from '../kernels.ts';

/** max(x, 0); NaN stays NaN, and −0 becomes +0. */
const relu = (x: number): number => (x <= 0 ? 0 : x);

const inSingle: Readonly<Record<Activation, (x: number) => number>> = {
  silu: siluf,
  gelu: geluf,
  mish: mishf,
  relu,
};
const inDouble: Readonly<Record<Activation, (x: number) => number>> = {
  silu,
  gelu,
  mish,
  relu,
};

export function activation(x: Tensor, kind: Activation): Tensor {
  const f = (x.dtype === 'f64' ? inDouble : inSingle)[kind];
  const out = allocate(x.dtype, x.data.length);
  for (let i = 0; i < out.length; i++) out[i] = f(x.data[i]);
  roundInPlace(x.dtype, out);
  return tensor(x.dtype, x.shape, out);
}
