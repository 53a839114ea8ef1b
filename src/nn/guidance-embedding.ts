/** How a guidance scale becomes a vector, for models that are told it: those of latent consistency (LCM). */
import { InputError } from '../tensor/errors.ts';
import { cos, exp, log, sin } from '../tensor/math/index.ts';
import { roundTo } from '../tensor/rounding.ts';
import { tensor, type DType, type Tensor } from '../tensor/tensor.ts';

const f32 = Math.fround;

/**
 * The embedding of w = g − 1 (Luo et al. 2023, arXiv 2310.04378; `get_guidance_scale_embedding` of diffusers): sines,
 * then cosines of 1000 w fᵢ, fᵢ = 10000^(−i/(half − 1)). As a sinusoid of timesteps, each operation is one of float32,
 * correctly rounded, in every precision of the model.
 * @param guidanceScale g
 * @param size how many numbers, from 4 on; an odd one ends in a zero
 * @returns [1,size]
 * @throws InputError for a size with which there are no frequencies
 */
export function guidanceEmbedding(guidanceScale: number, size: number, dtype: DType): Tensor {
  const half = Math.floor(size / 2);
  if (!Number.isInteger(size) || half < 2)
    throw new InputError(
      `the guidance scale cannot be embedded in ${size} numbers (time_cond_proj_dim); 4 or more can`,
    );
  const scaled = f32(f32(guidanceScale - 1) * 1000);
  const exponent = f32(f32(log(10000)) / (half - 1));
  const angles = Array.from({ length: half }, (_, i) => f32(scaled * f32(exp(f32(i * -exponent)))));
  const values = [...angles.map(sin), ...angles.map(cos)].map((value) => roundTo(dtype, f32(value)));
  const data = Float64Array.from({ length: size }, (_, i) => values[i] ?? 0);
  return tensor(dtype, [1, size], dtype === 'f64' ? data : Float32Array.from(data));
}
