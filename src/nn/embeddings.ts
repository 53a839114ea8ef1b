/**
 * How a number becomes a vector: the time embeddings of diffusers' UNets (`diffusers.models.embeddings`).
 *
 * Mind the precision. The angle t·f of the sinusoid is ill-conditioned: at t = 999 one ulp of a float32 frequency moves
 * it by 6e-5 rad. diffusers computes exponent, frequency, angle, sine and cosine in float32, also for a float64
 * model, and so do we: each step below is rounded to float32, correctly, in every precision of the model.
 */
import { checkOptions, checkTensor, flag, numbers, optional, type Checks } from '../tensor/checks.ts';
import { numbersOf } from '../tensor/deferred.ts';
import { InputError } from '../tensor/errors.ts';
import { exp, sin, cos, log } from '../tensor/math/index.ts';
import { roundTo } from '../tensor/rounding.ts';
import type { Activation } from '../kernels/kernels.ts';
import { allocate, shapeText, tensor, zeros, type DType, type Tensor } from '../tensor/tensor.ts';
import type { Context } from './context.ts';
import { linear } from './layers.ts';
import { linearParameters, type Parameter } from './parameters.ts';

const f32 = Math.fround;

/**
 * The sinusoidal embedding of "Attention is all you need" and DDPM (`get_timestep_embedding`, period 10,000).
 * @param timesteps t, one number for each of B samples; fractions are allowed
 * @param size how many numbers a timestep becomes, from 1 on; half of it, rounded down, are sines
 * @param cosineFirst `flip_sin_to_cos` of diffusers
 * @param shift `downscale_freq_shift` of diffusers: 1 in DDPM, else 0
 * @returns [B,size], sines then cosines of t·fᵢ, fᵢ = 10000^(−i/(half − shift)), or the cosines first if
 *   `cosineFirst`; an odd size ends in a zero
 * @throws InputError for a size that is no whole number from 1 on, or a shift with which there are no frequencies
 */
export function sinusoid(
  timesteps: readonly number[],
  size: number,
  cosineFirst: boolean,
  shift: number,
  dtype: DType,
): Tensor {
  numbers('timesteps', timesteps);
  flag('cosineFirst', cosineFirst);
  if (!Number.isInteger(size) || size < 1)
    throw new InputError(`sinusoid: the size must be a whole number from 1 on, but is ${size}`);
  const half = Math.floor(size / 2);
  if (!Number.isFinite(shift) || (half > 0 && half === shift))
    throw new InputError(`sinusoid: with a size of ${size} and a shift of ${shift} there are no frequencies`);
  const out = allocate(dtype, timesteps.length * size);
  for (let i = 0; i < half; i++) {
    const exponent = f32(f32(f32(-9.210340371976184) * i) / f32(half - shift)); // −ln 10000 · i / (half − shift)
    const frequency = f32(exp(exponent));
    timesteps.forEach((t, b) => {
      const angle = f32(f32(t) * frequency);
      const [first, second] = cosineFirst ? [cos(angle), sin(angle)] : [sin(angle), cos(angle)];
      out[b * size + i] = roundTo(dtype, f32(first));
      out[b * size + half + i] = roundTo(dtype, f32(second));
    });
  }
  return tensor(dtype, [timesteps.length, size], out);
}

/** What of GaussianFourierProjection is not as in UNet2DModel. */
export interface FourierOptions {
  /** Whether the logarithm of t is taken; it is unless this is false. */
  readonly log?: boolean;
  /** `flip_sin_to_cos` of diffusers. */
  readonly cosineFirst?: boolean;
}

const fourierChecks: Checks<FourierOptions> = { log: optional(flag), cosineFirst: optional(flag) };

/**
 * Random Fourier features of log t (`GaussianFourierProjection`), in the precision of the frequencies.
 * @param timesteps t > 0, one number for each of B samples: noise levels σ; others give NaN. Without the logarithm any.
 * @param frequencies the weights W [n]
 * @returns [B,2n], sin(2π·W·log t), then the cosines, or the cosines first if `cosineFirst`
 */
export function fourierFeatures(
  timesteps: readonly number[],
  frequencies: Tensor,
  options: FourierOptions = {},
): Tensor {
  numbers('timesteps', timesteps);
  checkTensor('the frequencies', frequencies);
  checkOptions('fourierFeatures', options, fourierChecks);
  const { log: takesLog = true, cosineFirst = false } = options;
  const { dtype, data: w } = frequencies;
  const n = w.length;
  const out = allocate(dtype, timesteps.length * 2 * n);
  const round = (value: number): number => roundTo(dtype, value);
  timesteps.forEach((t, b) => {
    const x = round(f32(takesLog ? log(t) : t)); // torch takes the logarithm of integers and of float32 in float32
    w.forEach((frequency, i) => {
      const angle = round(round(round(x * frequency) * 2) * round(Math.PI));
      const [first, second] = cosineFirst ? [cos(angle), sin(angle)] : [sin(angle), cos(angle)];
      out[b * 2 * n + i] = round(first);
      out[b * 2 * n + n + i] = round(second);
    });
  });
  return tensor(dtype, [timesteps.length, 2 * n], out);
}

/** The two ways to make a vector of a number that have no weights to learn. */
export interface NumberEmbeddings {
  /** Of time embeddings called positional. */
  readonly sinusoid: typeof sinusoid;
  /** Of those called fourier. */
  readonly fourierFeatures: typeof fourierFeatures;
}

/** The embeddings of diffusers. */
export const numberEmbeddings: NumberEmbeddings = { sinusoid, fourierFeatures };

/**
 * Rows of a table, one per index (`torch.nn.Embedding`).
 * @param table [n,D]
 * @param indices B whole numbers from 0 to n − 1
 * @returns [B,D]
 * @throws InputError for an index outside the table, or a table of another rank
 */
export function lookUp(table: Tensor, indices: readonly number[]): Tensor {
  checkTensor('the table', table);
  numbers('indices', indices);
  const [rows, size] = table.shape;
  if (rows === undefined || size === undefined || table.shape.length !== 2)
    throw new InputError(`a table has a shape [n,D], but ${shapeText(table.shape)} was given`);
  const out = zeros(table.dtype, [indices.length, size]);
  indices.forEach((index, b) => {
    if (!Number.isInteger(index) || index < 0 || index >= rows) {
      throw new InputError(`index ${index} is outside a table of ${rows} rows (0 to ${rows - 1})`);
    }
    out.data.set(numbersOf(table, index * size, (index + 1) * size), b * size);
  });
  return out;
}

/** What of TimestepEmbedding is not as in UNet2DModel. */
export interface TimestepEmbeddingOptions {
  /** Between the layers; SiLU unless given. */
  readonly activation?: Activation;
  /** `post_act_fn`: after the layers; none unless given. */
  readonly postActivation?: Activation | undefined;
  /** [B,m], what is added to the input by way of `cond_proj`: the guidance scale that a distilled model is told. */
  readonly condition?: Tensor | undefined;
}

/**
 * The two-layer network behind an embedding (`TimestepEmbedding`): [B,n] → [B,D].
 * @throws InputError when a weight is missing, or does not fit
 */
export function timestepEmbedding(
  context: Context,
  path: string,
  x: Tensor,
  { activation = 'silu', postActivation, condition }: TimestepEmbeddingOptions = {},
): Tensor {
  const { kernels } = context;
  const told = condition ? kernels.add(x, linear(context, `${path}.cond_proj`, condition)) : x;
  const hidden = kernels.activation(linear(context, `${path}.linear_1`, told), activation);
  const out = linear(context, `${path}.linear_2`, hidden);
  return context.tap(path, postActivation ? kernels.activation(out, postActivation) : out);
}

/**
 * The parameters of a TimestepEmbedding: `from` numbers in, `to` numbers out.
 * @param conditionSize numbers of the condition, where it takes one
 */
export function timestepEmbeddingParameters(
  path: string,
  from: number,
  to: number,
  conditionSize?: number,
): readonly Parameter[] {
  return [
    ...linearParameters(`${path}.linear_1`, from, to),
    ...(conditionSize === undefined ? [] : linearParameters(`${path}.cond_proj`, conditionSize, from, false)),
    ...linearParameters(`${path}.linear_2`, to, to),
  ];
}
